#include "graftwork/cli/launcher/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace graftwork::core::cli {

void prepare_standard_streams() {
  // Writing is what is to fail, with a message, not the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // The lowest number that is free is the one that is taken. What is open for reading alone cannot be written to.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    if (::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

}  // namespace graftwork::core::cli

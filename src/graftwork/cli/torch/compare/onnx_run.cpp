#include "graftwork/cli/torch/compare/onnx_run.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/torch/compare/run_onnx_text.h"
#include "graftwork/data/npy.h"
#include "graftwork/place/json_text.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core::cli {
namespace {

constexpr int kPackageMissing = 3;
constexpr int kNoProgram = 127;

constexpr const char *kScript = "run_onnx.py", *kLog = "log.txt", *kReply = "reply.json";

/// A folder for one exchange of arrays.
class ExchangeFolder {
 public:
  ExchangeFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "graftwork-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw Error("file.unwritable", cat("no folder can be made in ", name, ": ", std::strerror(errno)));
    path_ = name;
  }
  ~ExchangeFolder() { remove(); }
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ExchangeFolder(const ExchangeFolder&) = delete;
  ExchangeFolder& operator=(const ExchangeFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, const at::Tensor& tensor) const {
    const at::Tensor known = tensor.scalar_type() == at::kBFloat16 ? tensor.to(at::kFloat) : tensor;
    write_file(path_ / name, write_npy_bytes(to_array(known)));
  }
  at::Tensor read(const std::string& name) const {
    const auto file = std::make_shared<MappedFile>(path_ / name);
    return to_tensor(read_npy(file->bytes(), file));
  }

 private:
  std::filesystem::path path_;
};

/// python3 with the script of the folder. It waits for the request, and once the reply is there, for the end of this
/// process, however that comes; then it removes the folder.
class Python {
 public:
  Python(const ExchangeFolder& folder, const std::filesystem::path& model) : folder_(folder) {
    if (::pipe2(pipe_.data(), O_CLOEXEC) != 0)
      throw Error("process.pipe", "there is no pipe: " + std::generic_category().message(errno));
    std::vector<std::string> words{"python3", (folder / kScript).string(), folder.path().string(), model.string()};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_[0], STDIN_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, (folder / kLog).c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                       0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    const sigset_t blocked = left_to_the_command();
    ::posix_spawnattr_setsigmask(&attributes, &blocked);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    is_there_ = ::posix_spawnp(&child_, words[0].c_str(), &actions, &attributes, argv.data(), environ) == 0;
    is_running_ = is_there_;
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~Python() {
    if (is_running_) {
      folder_.remove();  // while there is somebody who does so if this process is ended
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    for (const int end : pipe_) ::close(end);
  }
  Python(const Python&) = delete;
  Python& operator=(const Python&) = delete;

  bool is_there() const { return is_there_; }
  /// The request is whole. One that has ended does not hear it.
  void begin() const { std::ignore = ::write(pipe_[1], "\n", 1); }
  /// Once it has ended; above kNoProgram by the number of a signal.
  std::optional<int> exit_status() {
    int status = 0;
    const pid_t ended = ::waitpid(child_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    is_running_ = false;
    if (ended < 0) throw Error("process.wait", "python3 is lost: " + std::generic_category().message(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : kNoProgram + 1 + WTERMSIG(status);
  }

 private:
  /// Signals that a terminal sends to all: they would end python3 before it has removed the folder.
  static sigset_t left_to_the_command() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set, signal);
    return set;
  }

  const ExchangeFolder& folder_;
  std::array<int, 2> pipe_{-1, -1};
  pid_t child_ = 0;
  bool is_there_ = false, is_running_ = false;
};

/// Waits until the reply is there, or python3 has ended, and gives its exit status then.
std::optional<int> wait_for_reply(Python& python, const ExchangeFolder& folder, const InterruptGuard& interrupt) {
  while (!std::filesystem::exists(folder / kReply)) {
    interrupt.check();
    if (const auto status = python.exit_status()) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::nullopt;
}

std::string last_line(const std::filesystem::path& log) {
  std::string text = std::filesystem::exists(log) ? read_text(log) : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

/// What it says last, else how it ended.
std::string why_failed(const std::filesystem::path& log, int status) {
  const std::string said = last_line(log);
  if (!said.empty()) return said;
  return status > kNoProgram ? cat("python3 was ended by signal ", status - kNoProgram - 1)
                             : cat("python3 ended with exit code ", status, " and said nothing");
}

}  // namespace

OnnxResults run_onnx(const std::filesystem::path& model, const std::vector<std::string>& inputs,
                     const std::vector<std::vector<at::Tensor>>& batches, const std::vector<std::string>& values,
                     const InterruptGuard& interrupt) {
  const ExchangeFolder folder;
  write_file(folder / kScript, run_onnx_text());
  OnnxResults results;
  Python python(folder, model);
  if (!python.is_there()) {
    results.left_out = "there is no python3";
    return results;
  }
  for (size_t batch = 0; batch < batches.size(); ++batch) {
    for (size_t i = 0; i < batches[batch].size(); ++i)
      folder.write(cat("in_", batch, "_", i, ".npy"), batches[batch][i]);
  }
  write_file(folder / "request.json", json_text({{"inputs", inputs}, {"batches", batches.size()}, {"values", values}}));
  python.begin();
  if (const std::optional<int> status = wait_for_reply(python, folder, interrupt)) {
    const std::filesystem::path log = folder / kLog;
    if (status == kNoProgram) results.left_out = "there is no python3";
    if (status == kPackageMissing) results.left_out = "python3: " + last_line(log);
    if (!results.left_out.empty()) return results;
    throw Error("compare.file", cat("ONNX Runtime cannot run the file: ", why_failed(log, *status)),
                "a file that was written of this network")
        .at(model.string());
  }
  const Json reply = Json::parse(read_text(folder / kReply));
  results.outputs = reply.at("outputs").get<std::vector<std::string>>();
  for (size_t batch = 0; batch < batches.size(); ++batch) {
    std::vector<at::Tensor>& outputs = results.batches.emplace_back();
    for (size_t k = 0; k < results.outputs.size(); ++k)
      outputs.push_back(folder.read(cat("out_", batch, "_", k, ".npy")));
  }
  const auto found = reply.at("values").get<std::vector<std::string>>();
  for (size_t j = 0; j < found.size(); ++j) results.values.emplace(found[j], folder.read(cat("value_", j, ".npy")));
  return results;
}

}  // namespace graftwork::core::cli

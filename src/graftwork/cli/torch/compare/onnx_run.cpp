#include "graftwork/cli/torch/compare/onnx_run.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>

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

/// A folder for one exchange of arrays.
class ExchangeFolder {
 public:
  ExchangeFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "graftwork-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw Error("file.unwritable", cat("no folder can be made in ", name, ": ", std::strerror(errno)));
    path_ = name;
  }
  ~ExchangeFolder() {
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

/// Starts python3, waits for it, and gives its exit status; what it prints goes to `log`.
int run_python(const std::vector<std::string>& arguments, const std::filesystem::path& log,
               const InterruptGuard& interrupt) {
  std::vector<std::string> words{"python3"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, "python3", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return kNoProgram;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : kNoProgram + 1 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return kNoProgram;
    if (interrupt.requested()) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      interrupt.check();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
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
  for (size_t batch = 0; batch < batches.size(); ++batch) {
    for (size_t i = 0; i < batches[batch].size(); ++i)
      folder.write(cat("in_", batch, "_", i, ".npy"), batches[batch][i]);
  }
  write_file(folder / "request.json", json_text({{"inputs", inputs}, {"batches", batches.size()}, {"values", values}}));
  write_file(folder / "run_onnx.py", run_onnx_text());
  const std::filesystem::path log = folder / "log.txt";
  const int status =
      run_python({(folder / "run_onnx.py").string(), folder.path().string(), model.string()}, log, interrupt);
  interrupt.check();  // Ctrl-C reaches the child, too
  OnnxResults results;
  if (status == kNoProgram) results.left_out = "there is no python3";
  if (status == kPackageMissing) results.left_out = "python3: " + last_line(log);
  if (!results.left_out.empty()) return results;
  if (status != 0) {
    throw Error("compare.file", cat("ONNX Runtime cannot run the file: ", why_failed(log, status)),
                "a file that was written of this network")
        .at(model.string());
  }
  const Json reply = Json::parse(read_text(folder / "reply.json"));
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

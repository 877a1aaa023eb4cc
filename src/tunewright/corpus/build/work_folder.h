#pragma once
#include <filesystem>
#include <string>

namespace tunewright::corpus {

// output_dir/.work/KEY: what lies there was made from the same recipe, input and program.
class WorkFolder {
 public:
  enum class Use { kAlone, kShared };
  // Another build at work there is a UserError; jobs of an array share it.
  WorkFolder(const std::filesystem::path& output, const std::string& key, Use use);
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder();

  const std::filesystem::path& path() const { return path_; }
  bool is_resumed() const { return is_resumed_; }
  // Removes what builds of other recipes or inputs have left there.
  void remove_others() const;
  // Removes all of .work.
  void remove_all() const;

 private:
  std::filesystem::path all_, path_;
  bool is_resumed_ = false;
  int lock_ = -1;
};

}  // namespace tunewright::corpus

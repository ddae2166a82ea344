// Lets another program see when tokens become known: only for the cross-check of our own clock.
#pragma once

#include <string>

namespace npb {

/// Writes a line "token PID" into a pipe. Without a pipe (-1) a call is one comparison, so that the
/// hot loop may make it for every token. Not on Windows, where nothing is written.
class Marker {
 public:
  explicit Marker(int fd);
  void token() const {
    if (fd_ >= 0) write_line();
  }

 private:
  void write_line() const;

  int fd_;
  std::string line_;
};

}  // namespace npb

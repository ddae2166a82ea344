#include "model/safetensors.h"

#include <cstring>
#include <set>

#include "core/file.h"
#include "core/json.h"
#include "model/weight_index.h"

namespace npb {

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr size_t kMaxShards = 4096;

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> bytes, const std::string& path)
      : bytes_(bytes), path_(path) {}

  Result<std::vector<SafetensorsEntry>> parse() {
    uint64_t length = 0;
    if (bytes_.size() < sizeof length) return damaged("it is too short for a header");
    std::memcpy(&length, bytes_.data(), sizeof length);
    if (length > kMaxHeaderBytes || length > bytes_.size() - sizeof length) {
      return damaged("its header claims " + std::to_string(length) + " bytes");
    }
    data_ = sizeof length + length;
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + sizeof length,
                                length);
    NPB_TRY_ASSIGN(const Json header, Json::parse(text, "The header of " + path_));
    if (!header.is_object()) return damaged("its header is not a JSON object");
    for (const auto& [name, value] : header.members()) {
      const std::string ours = gguf_name(name);
      if (!ours.empty()) NPB_TRY(add(ours, value));
    }
    return std::move(entries_);
  }

 private:
  Error damaged(const std::string& problem) const {
    return {ErrorCode::invalid_model,
            path_ + " is damaged: " + problem + "; fetch the file again."};
  }

  Result<void> add(const std::string& name, const Json& value) {
    const std::string what = "tensor \"" + name + "\"";
    SafetensorsEntry entry;
    entry.info.name = name;
    const Json* dtype = value.find("dtype");
    const std::string* type = dtype ? dtype->as_string() : nullptr;
    if (type == nullptr) return damaged(what + " has no type");
    if (*type == "F32") {
      entry.info.type = TensorType::f32;
    } else if (*type == "F16") {
      entry.info.type = TensorType::f16;
    } else if (*type == "BF16") {
      entry.info.type = TensorType::bf16;
    } else {
      return Error{ErrorCode::unsupported,
                   path_ + ": " + what +
                       " is neither F32, F16 nor BF16; other types are read from GGUF files only."};
    }
    NPB_TRY(read_shape(what, value.find("shape"), entry.info));
    return place(what, value.find("data_offsets"), entry);
  }

  // A vector or a matrix, every size at least 1 and small enough that no product below overflows.
  Result<void> read_shape(const std::string& what, const Json* shape, WeightInfo& info) const {
    constexpr uint64_t kMaxSize = 1u << 30;
    uint64_t sizes[2] = {1, 1};
    const size_t count = shape ? shape->elements().size() : 0;
    if (count != 1 && count != 2) return damaged(what + " is neither a vector nor a matrix");
    for (size_t i = 0; i < count; ++i) {
      const auto size = shape->elements()[i].as_unsigned();
      if (!size || *size == 0 || *size > kMaxSize)
        return damaged(what + " has an impossible shape");
      sizes[2 - count + i] = *size;
    }
    info.rows = sizes[0];
    info.cols = sizes[1];
    return {};
  }

  Result<void> place(const std::string& what, const Json* offsets, SafetensorsEntry& entry) {
    const bool pair = offsets && offsets->elements().size() == 2;
    const auto begin = pair ? offsets->elements()[0].as_unsigned() : std::nullopt;
    const auto end = pair ? offsets->elements()[1].as_unsigned() : std::nullopt;
    if (!begin || !end || *begin > *end) return damaged(what + " has no valid data_offsets");
    if (*end > bytes_.size() - data_)
      return damaged("the data of " + what + " reaches beyond the file's end");
    if (*end - *begin != entry.info.bytes()) {
      return damaged(what + " needs " + std::to_string(entry.info.bytes()) + " bytes but has " +
                     std::to_string(*end - *begin));
    }
    entry.offset = data_ + *begin;
    entries_.push_back(std::move(entry));
    return {};
  }

  std::span<const std::byte> bytes_;
  const std::string& path_;
  uint64_t data_ = 0;
  std::vector<SafetensorsEntry> entries_;
};

class SafetensorsWeights final : public WeightSource {
 public:
  struct Place {
    size_t file;
    uint64_t offset;
  };
  SafetensorsWeights(std::vector<std::shared_ptr<const MappedFile>> files,
                     std::vector<WeightInfo> tensors, std::vector<Place> places)
      : files_(std::move(files)), index_(std::move(tensors)), places_(std::move(places)) {}

  const std::vector<WeightInfo>& tensors() const override { return index_.tensors(); }
  const WeightInfo* find(std::string_view name) const override { return index_.find(name); }

  std::span<const std::byte> rows(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>& scratch) const override {
    const Place& place = places_[index_.position(tensor)];
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    const auto view =
        files_[place.file]->bytes().subspan(place.offset + row * stride, count * stride);
    // The format doesn't align data; readers may rely on aligned elements.
    if (place.offset % alignof(float) == 0) return view;
    scratch.assign(view.begin(), view.end());
    return scratch;
  }

  std::span<const std::byte> copy(const WeightInfo& tensor, uint64_t row, uint64_t count,
                                  std::vector<std::byte>& scratch) const override {
    const Place& place = places_[index_.position(tensor)];
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    scratch.resize(count * stride);
    files_[place.file]->read(place.offset + row * stride, scratch);
    return scratch;
  }

  void release(const WeightInfo& tensor, uint64_t row, uint64_t count) const override {
    const Place& place = places_[index_.position(tensor)];
    const uint64_t stride = row_bytes(tensor_type_info(tensor.type), tensor.cols);
    files_[place.file]->release(place.offset + row * stride, count * stride);
  }

 private:
  std::vector<std::shared_ptr<const MappedFile>> files_;
  WeightIndex index_;
  std::vector<Place> places_;
};

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\:\0", 4)) == name.npos;
}

// The files that hold the weights, as names within the folder.
Result<std::set<std::string>> shard_names(const std::string& folder) {
  constexpr uint64_t kMaxIndexBytes = 64 << 20;
  const std::string index_path = folder + "/model.safetensors.index.json";
  std::error_code error;
  if (std::filesystem::exists(utf8_path(folder + "/model.safetensors"), error) ||
      !std::filesystem::exists(utf8_path(index_path), error)) {
    return std::set<std::string>{"model.safetensors"};
  }
  NPB_TRY_ASSIGN(const std::string text, read_text_file(index_path, kMaxIndexBytes));
  NPB_TRY_ASSIGN(const Json index, Json::parse(text, index_path));
  std::set<std::string> names;
  for (const auto& member : index.members("weight_map")) {
    const std::string* name = member.second.as_string();
    if (name == nullptr || !is_plain_file_name(*name)) {
      return Error{ErrorCode::invalid_model,
                   index_path + " names a file outside its folder; only files beside it are read."};
    }
    names.insert(*name);
  }
  if (names.empty() || names.size() > kMaxShards) {
    return Error{ErrorCode::invalid_model,
                 index_path + " names " + std::to_string(names.size()) + " files."};
  }
  return names;
}

}  // namespace

Result<std::vector<SafetensorsEntry>> parse_safetensors(std::span<const std::byte> bytes,
                                                        const std::string& path) {
  return HeaderParser(bytes, path).parse();
}

Result<SafetensorsFolder> open_safetensors_folder(const std::string& folder, bool output_is_tied) {
  NPB_TRY_ASSIGN(const auto names, shard_names(folder));
  std::vector<std::shared_ptr<const MappedFile>> files;
  std::vector<WeightInfo> tensors;
  std::vector<SafetensorsWeights::Place> places;
  std::set<std::string> seen;
  SafetensorsFolder result;
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    NPB_TRY_ASSIGN(auto file, MappedFile::open(path));
    NPB_TRY_ASSIGN(auto entries, parse_safetensors(file->bytes(), path));
    for (SafetensorsEntry& entry : entries) {
      if (output_is_tied && entry.info.name == "output.weight") continue;
      if (!seen.insert(entry.info.name).second) {
        return Error{ErrorCode::invalid_model,
                     path + " repeats the tensor \"" + entry.info.name + "\"."};
      }
      tensors.push_back(std::move(entry.info));
      places.push_back({files.size(), entry.offset});
    }
    result.file_bytes += file->bytes().size();
    files.push_back(std::move(file));
  }
  result.weights =
      std::make_shared<SafetensorsWeights>(std::move(files), std::move(tensors), std::move(places));
  return result;
}

}  // namespace npb

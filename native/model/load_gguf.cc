#include "core/file.h"
#include "model/gguf.h"
#include "model/gguf_weights.h"
#include "model/hyperparameters.h"
#include "model/load.h"
#include "model/tokenizer_files.h"

namespace npb {

Result<std::shared_ptr<const Model>> load_gguf(const std::string& path,
                                               const LoadOptions& options) {
  constexpr size_t kMaxMetadataShown = 256;
  NPB_TRY_ASSIGN(auto file, MappedFile::open(path));
  NPB_TRY_ASSIGN(const GgufFile gguf, parse_gguf(file->bytes(), path));
  auto model = std::make_shared<Model>();
  model->weights = make_gguf_weights(file, gguf);
  NPB_TRY_ASSIGN(model->hp, gguf_hyperparameters(gguf, *model->weights, options, path));
  set_tokenizer(*model, options, [&] { return gguf_tokenizer(gguf); });
  const GgufValue* name = gguf.find("general.name");
  model->name = name ? describe(*name) : utf8_text(utf8_path(path).stem());
  model->format = "gguf";
  model->file_size_bytes = file->bytes().size();
  for (const auto& [key, value] : gguf.metadata) {
    if (model->metadata.size() == kMaxMetadataShown) break;
    model->metadata.emplace_back(describe(GgufValue{key}), describe(value));
  }
  summarize_weights(*model);
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace npb

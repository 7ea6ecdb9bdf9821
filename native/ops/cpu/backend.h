// CpuBackend's face for the files of this folder: one file a subject holds the bodies of its ops' run() and scratch().
#pragma once
#include <memory>
#include <string>

#include "core/arena.h"
#include "ops/backend.h"

namespace cw {

class OneDnn;  // engine, stream, primitives and packed weights (onednn.h), kept out of files that do no products

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads);
  ~CpuBackend() override;

  std::string name() const override { return "cpu"; }
  std::unique_ptr<Buffer> allocate(size_t bytes) override;
  size_t available_bytes() const override;
  void upload(const Tensor& to, const void* from) override;
  bool uploads_as(DType type) const override { return type != DType::i8; }
  bool upload_from(const Tensor& to, const Source& from) override;
  void download(void* to, const Tensor& from) override;
  void synchronize() override {}
  void set_scratch(void* data, size_t bytes) override;
  bool fast(DType type) const override;
  void keep_packed(bool keep) override;
  size_t packed_bytes(const Weight& weight) const override;
  std::unique_ptr<PackedWeight> pack(const Weight& weight, const std::vector<WeightView>& views) override;
  std::unique_ptr<PackedWeight> packed_zeros(const Weight& weight, const std::vector<WeightView>& views) override;
  bool writes_rows(const PackedWeight& packed, int64_t first, int64_t count) const override;
  bool write_rows(PackedWeight& packed, int64_t first, int64_t count, const Tensor& scales, const Source& from) override;
  void unpack(const PackedWeight& packed, const Tensor& to) override;
  bool computes(DType type) const override { return type == DType::i8 || Backend::computes(type); }
  int int8_levels() const override;

  // Ops that are not listed need no scratch.
  using Backend::scratch;
  size_t scratch(const Linear& op) const override;
  size_t scratch(const LinearInputGrad& op) const override;
  size_t scratch(const LinearWeightGrad& op) const override;
  size_t scratch(const LayerNormGrad& op) const override;
  size_t scratch(const LayerScaleGrad& op) const override;
  size_t scratch(const Attention& op) const override;
  size_t scratch(const AttentionGrad& op) const override;
  size_t scratch(const InfoNce& op) const override;
  size_t scratch(const InfoNceGrad& op) const override;
  size_t scratch(const DistillGrad& op) const override;
  size_t scratch(const SigmoidLoss& op) const override;
  size_t scratch(const SigmoidLossGrad& op) const override;
  size_t scratch(const GradNorm& op) const override;
  size_t scratch(const OptimizerStep& op) const override;

 private:
#define CW_DECLARE(name, Struct) void run(const Struct& op) override;
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

  /// The block that scratch() asked for, from its start. An op takes its pieces in the same function that measures
  /// them: scratch() calls it with Arena::measuring(), run() with this.
  Arena scratch_arena() const { return Arena(scratch_data_, scratch_bytes_); }
  /// The same block for an op that divides it itself: red zones of the arenas before are gone.
  void* scratch_block() const {
    unpoison(scratch_data_, scratch_bytes_);
    return scratch_data_;
  }
  int threads() const { return threads_; }

  int threads_;
  void* scratch_data_ = nullptr;
  size_t scratch_bytes_ = 0;
  std::unique_ptr<OneDnn> onednn_;
};

}  // namespace cw

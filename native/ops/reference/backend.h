// Every operation in plain loops over doubles: slow, and easy to see to be right. Bodies are in one file a subject.
#pragma once
#include "ops/backend.h"

namespace cw {

class ReferenceBackend final : public Backend {
 public:
  std::string name() const override { return "reference"; }
  std::unique_ptr<Buffer> allocate(size_t bytes) override;
  void upload(const Tensor& to, const void* from) override;
  void download(void* to, const Tensor& from) override;
  void synchronize() override {}
  void set_scratch(void*, size_t) override {}
  bool fast(DType type) const override { return type == DType::f32; }
  bool computes(DType type) const override { return type == DType::i8 || Backend::computes(type); }

 private:
#define CW_DECLARE(name, Struct) void run(const Struct& op) override;
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE
};

}  // namespace cw

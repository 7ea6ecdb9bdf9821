// Our own product for compute capability 9.0 on the emulated card: its values, its failures, and where it is taken.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "ops/cuda/backend.h"
#include "ops/cuda/cublaslt/emulated.h"
#include "ops/cuda/emulation/bulk.h"
#include "ops/cuda/own_product.h"
#include "ops/planner.h"
#include "test/cuda_emulated.h"

namespace cw::test {
namespace {

using lt::emulated::log;

double value_at(const Tensor& t, int64_t row, int64_t col) {
  if (t.dtype == DType::f32) return t.row<float>(row)[col];
  return t.dtype == DType::bf16 ? to_float(t.row<bf16>(row)[col]) : to_float(t.row<f16>(row)[col]);
}

/// The emulated card's memory is the host's: matrices are filled and read where they lie.
class Matrix {
 public:
  Matrix(DType type, int64_t rows, int64_t cols, int seed, int64_t pad = 8)
      : memory_(make_device_memory(static_cast<size_t>(rows * (cols + pad)) * size_of(type), 0)),
        t{.data = memory_.get(), .dtype = type, .rows = rows, .cols = cols, .stride = cols + pad} {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) {
        const float x = static_cast<float>((r * 7919 + c * 104729 + seed * 31 + r * c * 17) % 257 - 128) / 64;
        if (type == DType::f32) t.row<float>(r)[c] = x;
        if (type == DType::bf16) t.row<bf16>(r)[c] = to_bf16(x);
        if (type == DType::f16) t.row<f16>(r)[c] = to_f16(x);
      }
  }

 private:
  DeviceMemory memory_;

 public:
  Tensor t;
};

struct Case {
  int64_t m, n, k;
  DType in, out;
  bool a_turned = false, b_turned = true, bias = false, add = false;
};

/// The largest error in units of what rounding allows; infinite where anything was not written.
double error_of(const Case& x) {
  const Matrix a(x.in, x.a_turned ? x.k : x.m, x.a_turned ? x.m : x.k, 1);
  const Matrix b(x.in, x.b_turned ? x.n : x.k, x.b_turned ? x.k : x.n, 2);
  const Matrix bias(x.out, 1, x.n, 3), c(x.out, x.m, x.n, 4), before(x.out, x.m, x.n, 4);
  if (!x.add) std::memset(c.t.data, 0xff, static_cast<size_t>(x.m * c.t.stride) * size_of(x.out));
  const DeviceMemory failed = make_device_memory(4, 0);
  unsigned failed_here = 0;
  std::memset(failed.get(), 0, 4);
  const OwnedStream stream = make_stream();
  own_product(stream.get(),
              {.a = a.t,
               .b = b.t,
               .a_turned = x.a_turned,
               .b_turned = x.b_turned,
               .bias = x.bias ? bias.t : Tensor{},
               .add = x.add ? c.t : Tensor{},
               .c = c.t},
              {static_cast<unsigned*>(failed.get()), &failed_here});
  CW_CUDA(cudaStreamSynchronize(stream.get()));
  EXPECT_EQ(failed_here, 0u);
  double worst = 0;
  for (int64_t i = 0; i < x.m; ++i)
    for (int64_t j = 0; j < x.n; ++j) {
      double sum = (x.bias ? value_at(bias.t, 0, j) : 0) + (x.add ? value_at(before.t, i, j) : 0);
      for (int64_t l = 0; l < x.k; ++l)
        sum += value_at(a.t, x.a_turned ? l : i, x.a_turned ? i : l) * value_at(b.t, x.b_turned ? j : l, x.b_turned ? l : j);
      const double unit = x.out == DType::f32 ? 0x1p-20 : x.out == DType::bf16 ? 0x1p-8 : 0x1p-11;
      const double allowed = unit * (1 + std::fabs(sum)) + 0x1p-18 * static_cast<double>(x.k);
      const double error = std::fabs(value_at(c.t, i, j) - sum) / allowed;
      worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
    }
  return worst;
}

TEST(CudaOwnProduct, IsRightForEveryLayoutAndType) {
  for (const DType in : {DType::bf16, DType::f16})
    for (const DType out : {in, DType::f32})
      for (const bool a_turned : {false, true})
        for (const bool b_turned : {false, true})
          EXPECT_LE(error_of({72, 136, 200, in, out, a_turned, b_turned}), 1)
              << name_of(in) << " to " << name_of(out) << (a_turned ? ", a turned" : "") << (b_turned ? ", b turned" : "");
}

TEST(CudaOwnProduct, IsRightForTilesThatAreNotWhole) {
  for (const auto& [m, n, k] : {std::tuple{1, 8, 8}, {130, 8, 72}, {129, 264, 64}, {64, 128, 640}})
    EXPECT_LE(error_of({.m = m, .n = n, .k = k, .in = DType::bf16, .out = DType::bf16, .bias = true}), 1)
        << m << " " << n << " " << k;
}

TEST(CudaOwnProduct, AddsToWhatIsThere) {
  for (const DType out : {DType::bf16, DType::f32})
    EXPECT_LE(error_of({.m = 136, .n = 136, .k = 72, .in = DType::bf16, .out = out, .bias = true, .add = true}), 1);
}

TEST(CudaOwnProduct, IsWrongWhereACopyIs) {
  const emulation::WithCopyFault spoilt(emulation::CopyFault::spoilt);
  EXPECT_GT(error_of({.m = 8, .n = 8, .k = 8, .in = DType::bf16, .out = DType::f32}), 1);
}

/// A card of capability 9.0 that is asked for own products, and a cache folder.
class CudaOwnProducts : public testing::Test {
 protected:
  CudaOwnProducts()
      : folder_(std::filesystem::temp_directory_path() / ("clipwright-own-" + std::to_string(getpid()))),
        cache_("XDG_CACHE_HOME", folder_.c_str()), asked_("CLIPWRIGHT_OWN_PRODUCTS", "1"),
        capability_("CLIPWRIGHT_EMULATION_CAPABILITY", "90") {
    log() = {};
  }
  ~CudaOwnProducts() override { std::filesystem::remove_all(folder_); }

  std::string written() const {
    std::ifstream in(folder_ / "clipwright" / "own-products.txt");
    return (std::ostringstream() << in.rdbuf()).str();
  }
  bool says(const char* verdict) const { return written().find(std::string("\t") + verdict) != std::string::npos; }

 private:
  std::filesystem::path folder_;
  const With cache_, asked_, capability_;
};

/// y = x·wᵀ of bf16.
class Work {
 public:
  Work() {
    Planner planner(backend);
    linear(planner);
    scratch_ = backend.allocate(planner.scratch());
    backend.set_scratch(scratch_->data(), scratch_->bytes());
    std::vector<bf16> values(64 * 64);
    for (size_t i = 0; i < values.size(); ++i) values[i] = to_bf16(static_cast<float>(i * 37 % 101) / 50 - 1);
    backend.upload(x_.t, values.data());
    backend.upload(weight_.compute, values.data());
    backend.synchronize();
  }
  void linear(Ops& ops) { ops.linear({.x = x_.t, .w = {&weight_}, .y = y_.t}); }
  std::vector<bf16> product() {
    linear(backend);
    std::vector<bf16> values(64 * 64);
    backend.download(values.data(), y_.t);
    return values;
  }
  int by_library() const {
    int all = 0;
    for (const auto& [algorithm, count] : log().products) all += count;
    return all;
  }

  CudaBackend backend{0};

 private:
  Matrix x_{DType::bf16, 64, 64, 1, 0}, w_{DType::bf16, 64, 64, 2, 0}, y_{DType::bf16, 64, 64, 3, 0};
  Matrix master_{DType::f32, 64, 64, 2, 0};
  Weight weight_{.master = master_.t, .compute = w_.t};
  std::unique_ptr<Buffer> scratch_;
};

bool agree(const std::vector<bf16>& a, const std::vector<bf16>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::fabs(to_float(a[i]) - to_float(b[i])) <= 0.01f * (1 + std::fabs(to_float(a[i]))))) return false;
  return true;
}

TEST_F(CudaOwnProducts, AreTakenOnceTheyAgreedInNoMoreTimeAndThatIsRemembered) {
  {
    Work work;
    const std::vector<bf16> first = work.product();
    const int compared = work.by_library();
    EXPECT_GE(compared, 7) << "the product, and what it is compared with";
    EXPECT_TRUE(says("taken")) << written();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(agree(work.product(), first));  // eagerly, captured, as a graph
    EXPECT_EQ(work.by_library(), compared) << "cuBLASLt is not used any more";
  }
  log() = {};
  Work work;
  work.product();
  EXPECT_EQ(work.by_library(), 0);
}

TEST_F(CudaOwnProducts, AreRefusedWhereTheyAreSlower) {
  const lt::emulated::InNoTime quick;
  Work work;
  work.product();
  EXPECT_TRUE(says("refused")) << written();
  const int compared = work.by_library();
  work.product();
  EXPECT_EQ(work.by_library(), compared + 1);
}

TEST_F(CudaOwnProducts, AreRefusedWhereTheyDiffer) {
  Work work;
  std::vector<bf16> first;
  {
    const emulation::WithCopyFault spoilt(emulation::CopyFault::spoilt);
    first = work.product();
  }
  EXPECT_TRUE(says("refused")) << written();
  EXPECT_EQ(std::memcmp(work.product().data(), first.data(), first.size() * 2), 0) << "both are cuBLASLt's";
}

TEST_F(CudaOwnProducts, ThatDoNotEndAreNeverTakenAgain) {
  std::vector<bf16> first;
  {
    Work work;
    const emulation::WithCopyFault lost(emulation::CopyFault::lost);
    first = work.product();  // cuBLASLt's
  }
  EXPECT_TRUE(says("failed")) << written();
  EXPECT_NE(written().find("\tall\tfailed"), std::string::npos) << written();
  log() = {};
  Work work;
  EXPECT_EQ(std::memcmp(work.product().data(), first.data(), first.size() * 2), 0);
  EXPECT_EQ(work.by_library(), 1) << "nothing was compared";
}

TEST_F(CudaOwnProducts, ThatStopEndingLaterGiveNoResult) {
  Work work;
  work.product();
  {
    const emulation::WithCopyFault lost(emulation::CopyFault::lost);
    const std::string why = message(Code::device, [&] { work.product(); });
    EXPECT_NE(why.find("CLIPWRIGHT_OWN_PRODUCTS"), std::string::npos) << why;
  }
  log() = {};
  Work another;
  another.product();
  EXPECT_EQ(another.by_library(), 1);
}

TEST_F(CudaOwnProducts, ThatEndedTheirProcessAreNotTriedAgain) {
  {
    Work work;
    work.product();
  }
  std::string text = written();
  text.replace(text.find("taken"), 5, "trying");
  std::ofstream(std::filesystem::path(std::getenv("XDG_CACHE_HOME")) / "clipwright" / "own-products.txt") << text;
  log() = {};
  Work work;
  work.product();
  EXPECT_EQ(work.by_library(), 1);
}

TEST_F(CudaOwnProducts, AreOfOneCapabilityAndOnlyOnRequest) {
  for (const auto& [asked, capability] : {std::pair{"0", "90"}, {"1", "80"}, {"1", "100"}}) {
    const With with("CLIPWRIGHT_OWN_PRODUCTS", asked), of("CLIPWRIGHT_EMULATION_CAPABILITY", capability);
    log() = {};
    Work work;
    work.product();
    EXPECT_EQ(work.by_library(), 1) << asked << " " << capability;
  }
  EXPECT_TRUE(written().empty());
}

}  // namespace
}  // namespace cw::test

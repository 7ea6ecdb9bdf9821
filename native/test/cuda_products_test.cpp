// Products on the emulated cuBLASLt: what it is asked, which of its algorithms is used, and what is remembered of that.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "ops/cuda/backend.h"
#include "ops/cuda/cublaslt/emulated.h"
#include "ops/planner.h"
#include "test/cuda_emulated.h"

namespace cw::test {
namespace {

using lt::emulated::log;

/// Logs anew, and a cache folder of its own.
class CudaProducts : public testing::Test {
 protected:
  CudaProducts() : folder_(std::filesystem::temp_directory_path() / ("clipwright-products-" + std::to_string(getpid()))),
                   cache_("XDG_CACHE_HOME", folder_.c_str()) {
    log() = {};
  }
  ~CudaProducts() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file() const { return folder_ / "clipwright" / "products.txt"; }
  std::string written() const {
    std::ifstream in(file());
    return (std::ostringstream() << in.rdbuf()).str();
  }

  std::filesystem::path folder_;
  With cache_;
};

/// y = x·wᵀ with values whose sum shows the order of its terms; y begins `skip` floats into its memory.
class Work {
 public:
  explicit Work(int64_t skip = 0) {
    y = Tensor::of(y_->data(), DType::f32, 2, 8);
    y.data = y.as<float>() + skip;
    Planner planner(backend);
    grad(planner, true);
    linear(planner);
    scratch_ = backend.allocate(planner.scratch());
    backend.set_scratch(scratch_->data(), scratch_->bytes());
    std::vector<float> values(64, 1.0f);
    backend.upload(x, values.data());
    for (size_t i = 0; i < 64; ++i) values[i] = i % 8 == 0 ? 1e8f : i % 8 == 6 ? -1e8f : 3.0f;
    backend.upload(weight_.master, values.data());
    backend.synchronize();
  }

  void linear(Ops& ops, const Tensor& bias = {}) { ops.linear({.x = x, .w = {&weight_}, .b = bias, .y = y}); }
  void grad(Ops& ops, bool accumulate) { ops.linear_weight_grad({.dy = x, .x = x, .dw = dw, .accumulate = accumulate}); }
  std::vector<float> values(const Tensor& t) {
    std::vector<float> all(static_cast<size_t>(t.count()));
    backend.download(all.data(), t);
    return all;
  }

  CudaBackend backend{0};

 private:
  std::unique_ptr<Buffer> x_ = backend.allocate(64), w_ = backend.allocate(256), y_ = backend.allocate(512),
                          dw_ = backend.allocate(256), scratch_;
  Weight weight_{.master = Tensor::of(w_->data(), DType::f32, 8, 8), .compute = Tensor::of(w_->data(), DType::f32, 8, 8)};

 public:
  Tensor x = Tensor::of(x_->data(), DType::f32, 2, 8), dw = Tensor::of(dw_->data(), DType::f32, 8, 8), y;
};

TEST_F(CudaProducts, PartsOfSumsAreAddedInF32Only) {
  Work work;
  work.linear(work.backend);
  work.backend.synchronize();
  EXPECT_EQ(log().reduction_schemes, 2u) << "none, or in the compute type";
  EXPECT_EQ(log().requested, 8);
}

TEST_F(CudaProducts, APlanKnowsHowItsPointersAreAligned) {
  for (const auto& [skip, alignment] : {std::pair{int64_t{0}, 256u}, {1, 4u}, {4, 16u}, {32, 128u}, {64, 256u}}) {
    log() = {};
    Work work(skip);
    work.linear(work.backend);
    work.backend.synchronize();
    EXPECT_EQ(log().alignments[3], alignment) << skip;
    EXPECT_EQ(log().alignments[0], 256u);
    EXPECT_EQ(log().questions, 1);
    work.linear(work.backend);
    work.backend.synchronize();
    EXPECT_EQ(log().questions, 1) << "the plan is kept";
  }
}

TEST_F(CudaProducts, ABiasIsBroughtToAMultipleOf16Bytes) {
  Work work;
  const auto buffer = work.backend.allocate(64);
  for (const int64_t skip : {0, 1, 4}) {
    Tensor bias = Tensor::of(buffer->data(), DType::f32, 1, 8);
    bias.data = bias.as<float>() + skip;
    const std::vector<float> none(8, 0.0f), some(8, 100.0f);
    Planner planner(work.backend);
    work.linear(planner, bias);
    const auto scratch = work.backend.allocate(planner.scratch());
    work.backend.set_scratch(scratch->data(), scratch->bytes());
    work.backend.upload(bias, none.data());
    work.linear(work.backend, bias);
    const float without = work.values(work.y).back();
    work.backend.upload(bias, some.data());
    work.linear(work.backend, bias);
    EXPECT_EQ(work.values(work.y).back(), without + 100) << skip;
  }
}

TEST_F(CudaProducts, TheFirstAlgorithmThatRunsIsUsedFromThenOn) {
  Work work;
  for (int i = 0; i < 3; ++i) {  // command by command, captured, as a graph
    work.linear(work.backend);
    work.backend.synchronize();
  }
  EXPECT_EQ(log().products, (std::map<uint64_t, int>{{lt::emulated::slow, 2}})) << "three before it are refused in three ways";
  EXPECT_TRUE(written().empty()) << "nothing was timed";
}

TEST_F(CudaProducts, AShapeWithoutAnAlgorithmIsNamed) {
  for (const lt::Status status : {lt::not_supported, lt::success}) {
    Work work;
    const auto use = [&] { work.linear(work.backend), work.backend.synchronize(); };
    {
      const lt::emulated::WithoutAlgorithms none(status);
      const std::string why = message(Code::unsupported, use);
      EXPECT_NE(why.find("[2, 8] x [8, 8]T f32"), std::string::npos) << why;
      EXPECT_NE(why.find("CLIPWRIGHT_CUBLASLT"), std::string::npos) << why;
    }
    use();  // the backend is still usable
  }
  Work work;
  const lt::emulated::WithoutAlgorithms none(lt::execution_failed);
  EXPECT_NE(message(Code::device, [&] { work.linear(work.backend), work.backend.synchronize(); }).find("status 13"), std::string::npos);
}

TEST_F(CudaProducts, TuningTakesTheFastestAndRemembersIt) {
  std::vector<float> plain, tuned;
  {
    Work work;
    work.linear(work.backend);
    plain = work.values(work.y);
  }
  const With tune("CLIPWRIGHT_TUNE", "1");
  {
    log() = {};
    Work work;
    work.linear(work.backend);
    tuned = work.values(work.y);
    EXPECT_EQ(log().products, (std::map<uint64_t, int>{{lt::emulated::slow, 6}, {lt::emulated::fast, 7}}));
    EXPECT_NE(plain, tuned) << "another algorithm has other bits";
  }
  EXPECT_NE(written().find("emulated card\t130000\tf32,f32,nt,2,8,8,"), std::string::npos) << written();
  {
    log() = {};
    Work work;
    for (int i = 0; i < 3; ++i) {
      work.linear(work.backend);
      EXPECT_EQ(work.values(work.y), tuned);
    }
    EXPECT_EQ(log().products, (std::map<uint64_t, int>{{lt::emulated::fast, 2}})) << "the file knows: none was timed";
  }
}

TEST_F(CudaProducts, ChoicesAreLeftAloneWithoutTuning) {
  {
    const With tune("CLIPWRIGHT_TUNE", "1");
    Work work;
    work.linear(work.backend);
    work.backend.synchronize();
  }
  log() = {};
  Work work;
  work.linear(work.backend);
  work.backend.synchronize();
  EXPECT_EQ(log().products, (std::map<uint64_t, int>{{lt::emulated::slow, 1}}));
}

TEST_F(CudaProducts, TuningChangesNothingThatIsAddedTo) {
  std::vector<std::vector<float>> found;
  for (const char* tune : {"0", "1"}) {
    const With with("CLIPWRIGHT_TUNE", tune);
    Work work;
    const std::vector<float> ones(64, 1.0f), small(16, 3.0f);  // sums that every order has alike
    work.backend.upload(work.x, small.data());
    work.backend.upload(work.dw, ones.data());
    work.grad(work.backend, true);
    found.push_back(work.values(work.dw));
    EXPECT_EQ(found.back(), std::vector<float>(64, 19.0f)) << tune;
  }
  EXPECT_EQ(log().products.at(lt::emulated::fast), 7);
}

TEST_F(CudaProducts, ADamagedFileOrOneThatCannotBeWrittenCostsOnlyTheTiming) {
  const With tune("CLIPWRIGHT_TUNE", "1");
  const auto products = [] {
    log() = {};
    Work work;
    work.linear(work.backend);
    work.backend.synchronize();
    return log().products;
  };
  const std::map<uint64_t, int> timed{{lt::emulated::slow, 6}, {lt::emulated::fast, 7}}, known{{lt::emulated::fast, 1}};
  EXPECT_EQ(products(), timed);
  const std::string good = written();
  const auto put = [&](const std::string& text) { std::ofstream(file()) << text; };
  std::string other = good;  // an algorithm that this library does not take
  other[good.rfind('\t') - 113] = '9';
  for (const std::string& bad : {std::string("\0\xff\n\t\t\t\t\n", 8), good.substr(0, good.size() / 2), good + good.substr(0, 20), other}) {
    put(bad);
    EXPECT_EQ(products(), bad.starts_with(good) ? known : timed) << bad;
    EXPECT_EQ(products(), known) << "written anew";
  }
  put("another card\t130000\tx\ty\n" + good);
  EXPECT_EQ(products(), known);
  std::filesystem::remove_all(folder_);
  std::ofstream(folder_) << "a file where the folder should be";
  EXPECT_EQ(products(), timed);
  EXPECT_EQ(products(), timed);
}

}  // namespace
}  // namespace cw::test

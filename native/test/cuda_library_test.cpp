// Where cuBLASLt is looked for, with files that stand in for it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ops/cuda/cublaslt_search.h"
#include "test/cuda_emulated.h"

namespace cw::test {
namespace {

namespace fs = std::filesystem;

/// An empty home, no Python on the PATH, no environment.
class CudaLibrary : public testing::Test {
 protected:
  CudaLibrary() { fs::create_directories(folder_); }
  ~CudaLibrary() override { fs::remove_all(folder_); }
  void put(const char* fake, const fs::path& file) const {
    fs::create_directories((folder_ / file).parent_path());
    fs::create_symlink(fake, folder_ / file);
  }
  bool found() const {
    try {
      return lt::open_library().GetVersion() == 130000;
    } catch (const Error& e) {
      EXPECT_EQ(e.code, Code::no_cuda);
      return false;
    }
  }

  // A library that is open passes for others with its path or its inode: no test uses a path of another, or copies.
  static inline int tests_ = 0;
  const fs::path folder_ = fs::temp_directory_path() / ("clipwright-library-" + std::to_string(getpid()) + "-" + std::to_string(tests_++));
  const With home_{"HOME", folder_.c_str()}, empty_{"PATH", folder_.c_str()}, no_environment_{"VIRTUAL_ENV", ""},
      no_conda_{"CONDA_PREFIX", ""};
};

TEST_F(CudaLibrary, IsTheFileThatIsNamed) {
  put(CW_FAKE_CUBLASLT_WHOLE, "here.so");
  const With named("CLIPWRIGHT_CUBLASLT", (folder_ / "here.so").c_str());
  EXPECT_TRUE(found());
}

TEST_F(CudaLibrary, ANamedFileThatDoesNotDoIsAnErrorWithItsReason) {
  put(CW_FAKE_CUBLASLT_PARTIAL, "partial.so");
  const std::string partial = folder_ / "partial.so", absent = folder_ / "absent.so";
  const auto why = [](const std::string& file) {
    const With named("CLIPWRIGHT_CUBLASLT", file.c_str());
    return message(Code::no_cuda, [] { lt::open_library(); });
  };
  EXPECT_NE(why(partial).find(partial + " has no function cublasLtMatmul"), std::string::npos) << why(partial);
  EXPECT_NE(why(absent).find(absent + ": cannot open"), std::string::npos) << why(absent);
}

TEST_F(CudaLibrary, IsFoundInEveryWheelThatHasIt) {
  const char* const files[] = {"nvidia/cu13/lib/libcublasLt.so.13", "nvidia/cublas/lib/libcublasLt.so.12",
                               "nvidia/cu12/lib/libcublasLt.so.12", "torch/lib/libcublasLt.so.13",
                               "torch/lib/libcublasLt-59d6e2cb.so.12"};
  for (const char* file : files) {
    if (found()) GTEST_SKIP() << "this machine has a cuBLASLt of its own";
    const fs::path packages = "environment/lib/python3.12/site-packages";
    put(CW_FAKE_CUBLASLT_WHOLE, packages / file);
    const With environment("VIRTUAL_ENV", (folder_ / "environment").c_str());
    EXPECT_TRUE(found()) << file;
    fs::remove_all(folder_ / packages);
  }
}

TEST_F(CudaLibrary, IsFoundBesideThePythonOnThePath) {
  if (found()) GTEST_SKIP() << "this machine has a cuBLASLt of its own";
  const auto python = [&](const fs::path& file) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << "#!";
  };
  const auto on_path = [&](const fs::path& bin) { return With("PATH", ("/nowhere::" + (folder_ / bin).string()).c_str()); };
  const fs::path file = "lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13";
  python("base/bin/python3.12");
  fs::create_directories(folder_ / "venv/bin");
  fs::create_symlink(folder_ / "base/bin/python3.12", folder_ / "venv/bin/python3");
  for (const char* where : {"venv", "base"}) {
    put(CW_FAKE_CUBLASLT_WHOLE, where / file);
    {
      const With path = on_path("venv/bin");
      EXPECT_TRUE(found()) << where;
    }
    fs::remove(folder_ / where / file);
  }
  // A copied venv knows its base only by name.
  python("copied/bin/python3");
  std::ofstream(folder_ / "copied/pyvenv.cfg") << "version = 3.12.1\nhome = " << (folder_ / "base/bin").string() << "\n";
  put(CW_FAKE_CUBLASLT_WHOLE, "base" / file);
  const With path = on_path("copied/bin");
  EXPECT_TRUE(found());
}

TEST_F(CudaLibrary, AnAbsentOneIsReportedWithWhatWasWrong) {
  if (found()) GTEST_SKIP() << "this machine has a cuBLASLt of its own";
  put(CW_FAKE_CUBLASLT_PARTIAL, "environment/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13");
  const With environment("VIRTUAL_ENV", (folder_ / "environment").c_str());
  const std::string why = message(Code::no_cuda, [] { lt::open_library(); });
  EXPECT_NE(why.find("cu13/lib/libcublasLt.so.13 has no function cublasLtMatmul"), std::string::npos) << why;
  EXPECT_NE(why.find("CLIPWRIGHT_CUBLASLT"), std::string::npos) << why;
  put(CW_FAKE_CUBLASLT_WHOLE, "environment/lib/python3.12/site-packages/torch/lib/libcublasLt.so.12");
  EXPECT_TRUE(found()) << "a broken file hides no other";
}

}  // namespace
}  // namespace cw::test

# The CUDA backend twice from the same sources: for cards (clipwright_cuda.so, when a CUDA compiler is named) and, compiled
# by the C++ compiler, for the emulation that the tests run on.
file(GLOB cuda_sources CONFIGURE_DEPENDS native/ops/cuda/*.cpp native/ops/cuda/kernels/*.cpp)
file(GLOB cuda_kernels CONFIGURE_DEPENDS native/ops/cuda/kernels/*.cu)
file(GLOB cuda_emulation CONFIGURE_DEPENDS native/ops/cuda/emulation/*.cpp)
# Those that only look for cards and libraries.
set(cuda_loading native/ops/cuda/loader.cpp)
set(cuda_library_only native/ops/cuda/cublaslt_library.cpp native/ops/cuda/cublaslt_check.cpp native/ops/cuda/library.cpp)
foreach(file IN LISTS cuda_loading cuda_library_only)
  list(REMOVE_ITEM cuda_sources ${CMAKE_SOURCE_DIR}/${file})
endforeach()

if(CLIPWRIGHT_TESTS)
  add_library(cw_ops_cuda_emulated STATIC ${cuda_sources} ${cuda_kernels} ${cuda_emulation})
  set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
  target_compile_definitions(cw_ops_cuda_emulated PRIVATE CW_CUDA_EMULATED)
  target_link_libraries(cw_ops_cuda_emulated PUBLIC cw_ops)
endif()

# Addon and library refuse each other unless these agree.
file(SHA256 native/ops/ops.h ops_hash)
file(SHA256 native/ops/backend.h backend_hash)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS native/ops/ops.h native/ops/backend.h)
string(SUBSTRING ${ops_hash} 0 16 ops_hash)
string(SUBSTRING ${backend_hash} 0 16 backend_hash)
add_library(cw_cuda_interface INTERFACE)
target_compile_definitions(cw_cuda_interface INTERFACE CW_CUDA_INTERFACE="${ops_hash}${backend_hash}")

# What the addon has of it: finds and opens clipwright_cuda.so.
add_library(cw_ops_cuda STATIC ${cuda_loading})
target_link_libraries(cw_ops_cuda PUBLIC cw_ops PRIVATE cw_cuda_interface ${CMAKE_DL_LIBS})

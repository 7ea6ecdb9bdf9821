# The CUDA backend twice from the same sources: for cards (clipwright_cuda.so, when a CUDA compiler is named) and, compiled
# by the C++ compiler, for the emulation that the tests run on.
file(GLOB cuda_sources CONFIGURE_DEPENDS native/ops/cuda/*.cpp native/ops/cuda/kernels/*.cpp)
file(GLOB cuda_kernels CONFIGURE_DEPENDS native/ops/cuda/kernels/*.cu)
file(GLOB cuda_emulation CONFIGURE_DEPENDS native/ops/cuda/emulation/*.cpp)
list(APPEND cuda_emulation native/ops/cuda/cublaslt/emulated.cpp)
# Those that only look for cards and libraries.
set(cuda_loading native/ops/cuda/loader.cpp)
set(cuda_library_only native/ops/cuda/cublaslt_library.cpp native/ops/cuda/cublaslt_check.cpp native/ops/cuda/nccl_check.cpp
  native/ops/cuda/library.cpp)
foreach(file IN LISTS cuda_loading cuda_library_only)
  list(REMOVE_ITEM cuda_sources ${CMAKE_SOURCE_DIR}/${file})
endforeach()

if(CLIPWRIGHT_TESTS)
  add_library(cw_ops_cuda_emulated STATIC ${cuda_sources} ${cuda_kernels} ${cuda_emulation})
  set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
  target_compile_definitions(cw_ops_cuda_emulated PUBLIC CW_CUDA_EMULATED)
  target_link_libraries(cw_ops_cuda_emulated PUBLIC cw_ops ${CMAKE_DL_LIBS})
endif()

# Addon and library refuse each other unless these agree.
file(GLOB cuda_interface CONFIGURE_DEPENDS native/core/*.h native/dist/*.h native/ops/*.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${cuda_interface})
set(cuda_interface_hashes "")
foreach(file IN LISTS cuda_interface)
  file(SHA256 ${file} hash)
  string(APPEND cuda_interface_hashes ${hash})
endforeach()
string(SHA256 cuda_interface_hash "${cuda_interface_hashes}")
add_library(cw_cuda_interface INTERFACE)
target_compile_definitions(cw_cuda_interface INTERFACE CW_CUDA_INTERFACE="${cuda_interface_hash}")

if(CLIPWRIGHT_TESTS AND CLIPWRIGHT_ADDON)
  # The emulation as the addon loads the real thing: tests of the whole product name it in CLIPWRIGHT_CUDA_LIBRARY.
  add_library(clipwright_cuda_emulated MODULE native/ops/cuda/library.cpp)
  target_link_libraries(clipwright_cuda_emulated PRIVATE cw_ops_cuda_emulated cw_cuda_interface)
  target_link_options(clipwright_cuda_emulated PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(clipwright_cuda_emulated PROPERTIES PREFIX "")
endif()

# What the addon has of it: finds and opens clipwright_cuda.so.
add_library(cw_ops_cuda STATIC ${cuda_loading})
target_link_libraries(cw_ops_cuda PUBLIC cw_ops PRIVATE cw_cuda_interface ${CMAKE_DL_LIBS})

# 120: PTX for later cards, too. Fewer make a build to try something in quicker.
set(CLIPWRIGHT_CUDA_ARCHITECTURES "80-real;90-real;100-real;120" CACHE STRING "What clipwright_cuda.so is compiled for")
if(CLIPWRIGHT_CUDA)
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know that nvcc has it
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  endif()
  find_package(CUDAToolkit REQUIRED)
  # Instructions that only 9.0 has want its own name, under which nothing else is compiled: the code would be the same.
  set(cuda_kernels_90a ${CMAKE_SOURCE_DIR}/native/ops/cuda/kernels/linear_own.cu)
  list(REMOVE_ITEM cuda_kernels ${cuda_kernels_90a})
  string(REPLACE "90-real" "90a-real" cuda_architectures_90a "${CLIPWRIGHT_CUDA_ARCHITECTURES}")
  add_library(clipwright_cuda_90a OBJECT ${cuda_kernels_90a})
  target_link_libraries(clipwright_cuda_90a PRIVATE cw_ops)
  set_target_properties(clipwright_cuda_90a PROPERTIES CUDA_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON
    CUDA_ARCHITECTURES "${cuda_architectures_90a}")
  add_library(clipwright_cuda MODULE ${cuda_sources} ${cuda_kernels} ${cuda_library_only} $<TARGET_OBJECTS:clipwright_cuda_90a>)
  target_link_libraries(clipwright_cuda PRIVATE cw_ops cw_cuda_interface CUDA::cudart_static ${CMAKE_DL_LIBS})
  foreach(library clipwright_cuda clipwright_cuda_90a)
    target_compile_options(${library} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xfatbin=-compress-all>)
  endforeach()
  link_portably(clipwright_cuda)
  target_link_options(clipwright_cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,--gc-sections)
  set_target_properties(clipwright_cuda PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/build/Release
    CUDA_VISIBILITY_PRESET hidden CUDA_ARCHITECTURES "${CLIPWRIGHT_CUDA_ARCHITECTURES}")
endif()

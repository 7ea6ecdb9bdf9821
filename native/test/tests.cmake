# Suites: conformance (every backend against reference) and units (one file a subject). Their device 'cuda:N' is the
# emulation: CLIPWRIGHT_TEST_BACKENDS=cuda:0 runs them on it.
find_package(GTest CONFIG)
set(CLIPWRIGHT_GTEST_SOURCE "" CACHE PATH "Folder with GoogleTest's include/ and src/, for machines without it")
if(NOT GTest_FOUND AND CLIPWRIGHT_GTEST_SOURCE)
  add_library(gtest_main STATIC ${CLIPWRIGHT_GTEST_SOURCE}/src/gtest-all.cc ${CLIPWRIGHT_GTEST_SOURCE}/src/gtest_main.cc)
  target_include_directories(gtest_main SYSTEM PUBLIC ${CLIPWRIGHT_GTEST_SOURCE}/include PRIVATE ${CLIPWRIGHT_GTEST_SOURCE})
  target_link_libraries(gtest_main PUBLIC Threads::Threads)
  add_library(GTest::gtest_main ALIAS gtest_main)
elseif(NOT GTest_FOUND)
  include(FetchContent)
  FetchContent_Declare(googletest
    URL https://github.com/google/googletest/archive/refs/tags/v1.12.1.tar.gz
    URL_HASH SHA256=81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2)
  FetchContent_MakeAvailable(googletest)
endif()
include(GoogleTest)

function(suite name)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE cw_engine cw_image cw_ops_cuda_emulated GTest::gtest_main)
    target_include_directories(${name} PRIVATE native)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # what they test is built apart, and they take a third less time
    if(CLIPWRIGHT_SANITIZE MATCHES thread)
      target_sources(${name} PRIVATE native/test/sanitize/openmp.cpp)
      foreach(symbol GOMP_parallel GOMP_loop_nonmonotonic_dynamic_start GOMP_loop_nonmonotonic_dynamic_next GOMP_loop_end
                     omp_get_num_threads omp_get_thread_num)
        target_link_options(${name} PRIVATE -Wl,--wrap=${symbol})
      endforeach()
    endif()
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

set(conformance_sources native/test/conformance/*.cpp)
set(units_sources native/test/*.cpp)
if(CLIPWRIGHT_CPU)  # otherwise only what runs on a card
  suite(conformance ${conformance_sources})
  suite(units ${units_sources})

  # What searches for libraries find in tests: files with their functions' names. The partial one lacks `missing`. NCCL's also
  # goes between processes on the emulated card.
  function(fake_library library missing other)
    foreach(fake whole partial)
      add_library(fake_${library}_${fake} MODULE native/test/fakes/${library}.cpp)
      target_include_directories(fake_${library}_${fake} PRIVATE native)
      target_compile_definitions(fake_${library}_${fake} PRIVATE CW_CUDA_EMULATED)
      string(TOUPPER ${library}_${fake} name)
      target_compile_definitions(units PRIVATE CW_FAKE_${name}="$<TARGET_FILE:fake_${library}_${fake}>")
      add_dependencies(units fake_${library}_${fake})
    endforeach()
    target_compile_definitions(fake_${library}_partial PRIVATE ${missing}=${other})
  endfunction()
  fake_library(cublaslt cublasLtMatmul cublasLtOther)
  fake_library(nccl ncclReduceScatter ncclOther)
endif()

# The same over clipwright_cuda.so and a real card, for the kit (docs/card.md); built only when asked for by name. The objects are
# those of the suites where these are built.
function(suite_on_card name of without)
  if(TARGET ${of})
    add_executable(${name} EXCLUDE_FROM_ALL "$<FILTER:$<TARGET_OBJECTS:${of}>,EXCLUDE,${without}>")
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  else()
    file(GLOB sources CONFIGURE_DEPENDS ${${of}_sources})
    list(FILTER sources EXCLUDE REGEX "${without}")
    add_executable(${name} EXCLUDE_FROM_ALL ${sources})
    target_include_directories(${name} PRIVATE native)
  endif()
  target_link_libraries(${name} PRIVATE cw_engine cw_image cw_ops_cuda GTest::gtest_main)
  run_portably(${name})
endfunction()

suite_on_card(conformance_cuda conformance "^$")
suite_on_card(units_cuda units "/cuda_[a-z]+_test\\.")  # those are about the emulation

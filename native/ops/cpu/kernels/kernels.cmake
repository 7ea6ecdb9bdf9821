# The same kernel files once per instruction set, each copy in a namespace of its own (CW_ISA), chosen at run time.
# These files may use no inline function or template of the standard library: the linker could pick the copy that was
# compiled for a newer machine and run it on an older one.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
set(flags_avx2 -mavx2 -mfma -mf16c)
set(flags_avx512 ${flags_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
set(flags_avx512_bf16 ${flags_avx512} -mavx512bf16)
foreach(isa avx2 avx512 avx512_bf16)
  add_library(cw_kernels_${isa} OBJECT ${kernel_sources})
  target_include_directories(cw_kernels_${isa} PRIVATE native)
  target_compile_definitions(cw_kernels_${isa} PRIVATE CW_ISA=${isa})
  target_compile_options(cw_kernels_${isa} PRIVATE ${flags_${isa}} -O3 -fno-trapping-math -fno-signed-zeros -fno-exceptions -Wno-maybe-uninitialized -Wno-uninitialized)
  target_link_libraries(cw_kernels_${isa} PRIVATE OpenMP::OpenMP_CXX)
  target_sources(cw_ops_cpu PRIVATE $<TARGET_OBJECTS:cw_kernels_${isa}>)
endforeach()

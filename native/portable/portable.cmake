# What is shipped runs on systems older than the one that built it.
set(CLIPWRIGHT_GLIBC_STUBS "" CACHE PATH "Folder with the libc and libm of an older glibc to link against: scripts/setup/glibc.mjs")

function(link_portably target)
  if(CLIPWRIGHT_GLIBC_STUBS)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/native/portable/single_threaded.cpp ${CMAKE_SOURCE_DIR}/native/portable/terminate.cpp)
    target_link_options(${target} PRIVATE -L${CLIPWRIGHT_GLIBC_STUBS} -static-libstdc++)
  endif()
endfunction()

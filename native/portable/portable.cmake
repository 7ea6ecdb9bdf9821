# What is shipped runs on systems older than the one that built it.
set(CLIPWRIGHT_GLIBC_STUBS "" CACHE PATH "Folder with the libc and libm of an older glibc to link against: scripts/setup/glibc.mjs")

function(link_portably target)
  if(CLIPWRIGHT_GLIBC_STUBS)
    foreach(source single_threaded terminate newer)
      target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/native/portable/${source}.cpp)
    endforeach()
    target_link_options(${target} PRIVATE -L${CLIPWRIGHT_GLIBC_STUBS} -static-libstdc++)
  endif()
endfunction()

# A program, with what it is copied with beside it: an older glibc leaves the start of constructors to the program.
function(run_portably target)
  link_portably(${target})
  set_property(TARGET ${target} APPEND PROPERTY BUILD_RPATH "$ORIGIN")
  if(CLIPWRIGHT_GLIBC_STUBS)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/native/portable/constructors.cpp)
    target_link_options(${target} PRIVATE -Wl,--wrap=main -Wl,--allow-shlib-undefined)
    # Needed or not: it brings libpthread and libdl, which are libraries of their own in an older glibc.
    target_link_libraries(${target} PRIVATE -Wl,--push-state,--no-as-needed -lgomp -Wl,--pop-state)
  endif()
endfunction()

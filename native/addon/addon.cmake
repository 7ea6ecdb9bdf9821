# The Node-API module. cmake-js says where the headers of node-addon-api and node-api-headers lie.
if(NOT CMAKE_JS_INC)
  message(FATAL_ERROR "The addon is configured by cmake-js: run npm run build.")
endif()
file(GLOB addon_sources CONFIGURE_DEPENDS native/addon/*.cpp)
add_library(clipwright MODULE ${addon_sources})
target_include_directories(clipwright PRIVATE ${CMAKE_JS_INC})
# SWALLOW…: a thread that is being terminated takes no exceptions any more, and without it that ends the process.
target_compile_definitions(clipwright PRIVATE NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(clipwright PRIVATE cw_engine cw_image cw_ops_cuda)
link_portably(clipwright)
# nodelete: Node unmaps an addon that only a worker loaded when that worker ends, while our threads may still be leaving.
target_link_options(clipwright PRIVATE -Wl,-z,nodelete -Wl,--gc-sections
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/native/addon/exports.map)
set_target_properties(clipwright PROPERTIES PREFIX "" SUFFIX ".node"
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/build/Release LINK_DEPENDS ${CMAKE_SOURCE_DIR}/native/addon/exports.map
  BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
include(native/dist/mpi/mpi.cmake)
get_target_property(dnnl_file DNNL::dnnl LOCATION)
get_filename_component(dnnl_file ${dnnl_file} REALPATH)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.so.1 OUTPUT_VARIABLE gomp_file OUTPUT_STRIP_TRAILING_WHITESPACE)
add_custom_command(TARGET clipwright POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${dnnl_file} $<TARGET_FILE_DIR:clipwright>/libdnnl.so.3
  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${gomp_file} $<TARGET_FILE_DIR:clipwright>/libgomp.so.1)

# tunewright_module(NAME
#   [TORCH]                 links libtorch and uses its precompiled header
#   DEPS module...          modules below this one (the table in tools/check_layers.py)
#   LIBS target...          outside libraries
#   SOURCES file...         listed, never globbed
#   TESTS file...           linked into one binary, tunewright_NAME_test
#   TEST_LIBS target...)
# makes the static library tunewright_NAME.
function(tunewright_module NAME)
  cmake_parse_arguments(M "TORCH" "" "DEPS;LIBS;SOURCES;TESTS;TEST_LIBS" ${ARGN})
  set(target tunewright_${NAME})
  list(TRANSFORM M_DEPS PREPEND tunewright_ OUTPUT_VARIABLE deps)
  add_library(${target} STATIC ${M_SOURCES})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC ${deps} ${M_LIBS} PRIVATE tunewright_warnings)
  if(M_TORCH)
    target_link_libraries(${target} PUBLIC tunewright_torch)
    tunewright_use_torch_pch(${target})
  endif()
  if(M_TESTS)
    add_executable(${target}_test ${M_TESTS})
    target_link_libraries(${target}_test PRIVATE ${target} tunewright_test_main ${M_TEST_LIBS} tunewright_warnings)
    target_compile_definitions(${target}_test PRIVATE TUNEWRIGHT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    if(M_TORCH)
      target_compile_definitions(${target}_test PRIVATE TUNEWRIGHT_TEST_TORCH)
    endif()
    add_test(NAME ${NAME} COMMAND ${target}_test --gtest_brief=1)
    set_tests_properties(${NAME} PROPERTIES TIMEOUT 300)
  endif()
endfunction()

# One precompiled header for all torch code: made once, reused by each module.
function(tunewright_use_torch_pch target)
  if(NOT TARGET tunewright_torch_pch)
    add_library(tunewright_torch_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/torch_pch.cpp)
    target_link_libraries(tunewright_torch_pch PRIVATE tunewright_torch tunewright_warnings)
    target_precompile_headers(tunewright_torch_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/torch_pch.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM tunewright_torch_pch)
endfunction()

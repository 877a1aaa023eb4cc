# Warnings are errors in our own code; third-party headers come in as SYSTEM.
add_library(tunewright_warnings INTERFACE)
set(warnings -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wno-unused-parameter
  -Wno-missing-field-initializers)
target_compile_options(tunewright_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:C,CXX>:${warnings}>" $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>)
option(TUNEWRIGHT_WERROR "Treat warnings as errors" ON)
if(TUNEWRIGHT_WERROR)
  target_compile_options(tunewright_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()
if(TUNEWRIGHT_SANITIZE)
  add_compile_options(-fsanitize=${TUNEWRIGHT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TUNEWRIGHT_SANITIZE})
endif()

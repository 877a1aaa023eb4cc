# Warnings are errors in our own code; third-party headers come in as SYSTEM.
add_library(tunewright_warnings INTERFACE)
target_compile_options(tunewright_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wno-unused-parameter
  -Wno-missing-field-initializers)
option(TUNEWRIGHT_WERROR "Treat warnings as errors" ON)
if(TUNEWRIGHT_WERROR)
  target_compile_options(tunewright_warnings INTERFACE -Werror)
endif()
if(TUNEWRIGHT_SANITIZE)
  add_compile_options(-fsanitize=${TUNEWRIGHT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TUNEWRIGHT_SANITIZE})
endif()

# Warnings are errors, hardening is on in every build type, and the linker is the fastest one found.
add_compile_options(
  -Wall -Wextra -Wpedantic -fstack-protector-strong -fstack-clash-protection -fcf-protection)
set(FANFARE_WARNINGS -Wshadow -Wconversion -Wnon-virtual-dtor -Werror)
add_compile_definitions(_GLIBCXX_ASSERTIONS)

if(FANFARE_SANITIZE)
  add_compile_options(-fsanitize=${FANFARE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FANFARE_SANITIZE})
  # g++ 12 sees uninitialised values in what the sanitizers add around std::optional. The same code is built with every
  # warning an error elsewhere, so here warnings are only shown.
  list(REMOVE_ITEM FANFARE_WARNINGS -Werror)
else()
  add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
add_link_options(-Wl,-z,relro,-z,now -pie)

find_program(FANFARE_MOLD mold)
if(FANFARE_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()
find_program(FANFARE_CCACHE ccache)
if(FANFARE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${FANFARE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FANFARE_CCACHE})
endif()

# layer(), program() and unit_test(): the link line is the architecture.
# A layer sees the headers and libraries of exactly the layers that it names.

function(layer name)
	cmake_parse_arguments(L "" "" "SOURCES;USES" ${ARGN})
	add_library(${name} STATIC ${L_SOURCES})
	target_link_libraries(${name} PUBLIC yufu_flags ${L_USES})
endfunction()

function(program name)
	cmake_parse_arguments(P "" "" "SOURCES;USES" ${ARGN})
	add_executable(${name} ${P_SOURCES})
	target_link_libraries(${name} PRIVATE yufu_flags ${P_USES})
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${YUFU_BIN_DIR})
endfunction()

# installed(program…): what a live installation consists of; see docs/going-live.md.
function(installed)
	install(TARGETS ${ARGN} RUNTIME DESTINATION bin)
	install(DIRECTORY ${PROJECT_SOURCE_DIR}/migrations DESTINATION share/yufu)
	install(DIRECTORY ${PROJECT_SOURCE_DIR}/www/dist/ DESTINATION share/yufu/www OPTIONAL PATTERN ".built" EXCLUDE)
	install(DIRECTORY ${PROJECT_SOURCE_DIR}/nginx DESTINATION share/yufu)
	foreach(script nginx-site backup job-told)
		install(PROGRAMS ${PROJECT_SOURCE_DIR}/scripts/${script}.sh DESTINATION share/yufu/scripts)
	endforeach()
	install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION share/doc/yufu PATTERN "img" EXCLUDE)
	install(FILES ${PROJECT_SOURCE_DIR}/scripts/systemd/yufu.sysusers DESTINATION lib/sysusers.d RENAME yufu.conf)
	install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/systemd/ DESTINATION lib/systemd/system
		FILES_MATCHING PATTERN "*.service" PATTERN "*.timer")
endfunction()

# watched(name): under ThreadSanitizer a test is told what to leave out (tests/support/tsan.supp).
function(watched name)
	if(YUFU_SANITIZE MATCHES "thread")
		set_tests_properties(${name} PROPERTIES ENVIRONMENT_MODIFICATION
			"TSAN_OPTIONS=set:suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.supp")
	endif()
endfunction()

# unit_test(money SOURCES test_money.c USES base): a cmocka program run by ctest.
function(unit_test name)
	cmake_parse_arguments(T "" "" "SOURCES;USES" ${ARGN})
	add_executable(unit_${name} ${T_SOURCES})
	target_link_libraries(unit_${name} PRIVATE yufu_flags PkgConfig::CMOCKA ${T_USES})
	target_compile_definitions(unit_${name} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
	add_test(NAME unit.${name} COMMAND unit_${name})
	set_tests_properties(unit.${name} PROPERTIES TIMEOUT 120)
	watched(unit.${name})
endfunction()

# fuzz_target(json SOURCES fuzz_json.c USES base): a libFuzzer program under
# clang (preset fuzz). Other presets build it as a plain program that runs its
# corpus once, so that the code of a target cannot rot.
function(fuzz_target name)
	cmake_parse_arguments(F "" "" "SOURCES;USES" ${ARGN})
	add_executable(fuzz_${name} ${F_SOURCES})
	target_link_libraries(fuzz_${name} PRIVATE yufu_flags ${F_USES})
	target_compile_definitions(fuzz_${name} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
	if(YUFU_FUZZ)
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
		set_property(GLOBAL APPEND PROPERTY YUFU_FUZZERS ${name})
	else()
		target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/once.c)
		add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
		watched(fuzz.${name})
	endif()
	set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()

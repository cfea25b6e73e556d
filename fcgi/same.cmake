# The document in the repository is the one that the program prints.
execute_process(COMMAND ${PROGRAM} --openapi OUTPUT_VARIABLE printed RESULT_VARIABLE failed)
file(READ ${FILE} kept)
if(failed OR NOT printed STREQUAL kept)
	message(FATAL_ERROR "${FILE} is old: print it with `yufu-api --openapi`")
endif()

# cmake -DOUT=x.c "-DFILES=a.json;b.json" -P embed.cmake
# Writes the files as C arrays (see models_builtin.h).
set(text "#include \"meter/models_builtin.h\"\n\n")
set(rows "")
foreach(file ${FILES})
	get_filename_component(name ${file} NAME)
	string(MAKE_C_IDENTIFIER ${name} id)
	file(READ ${file} hex HEX)
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(APPEND text "static const unsigned char ${id}[] = { ${bytes} };\n")
	string(APPEND rows "\t{ \"${name}\", ${id}, sizeof(${id}) },\n")
endforeach()
string(APPEND text "\nconst struct model_text models_builtin[] = {\n${rows}};\n"
	"const size_t models_builtin_count = sizeof(models_builtin) / sizeof(models_builtin[0]);\n")
file(WRITE ${OUT} "${text}")

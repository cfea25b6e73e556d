# cmake -DOUT=x.c -DFILE=schemas.json -P embed.cmake: the file as a C array (schemas_builtin.h).
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"fcgi/schemas_builtin.h\"\n\n"
	"const unsigned char schemas_builtin[] = { ${bytes} };\n"
	"const size_t schemas_builtin_size = sizeof(schemas_builtin);\n")

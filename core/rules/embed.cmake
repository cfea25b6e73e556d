# cmake -DOUT=x.c -DFILE=common_passwords.txt -P embed.cmake: the file as a C array (password_common.h).
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"rules/password_common.h\"\n\n"
	"const unsigned char password_common[] = { ${bytes} 0 };\n"
	"const size_t password_common_size = sizeof(password_common) - 1;\n")

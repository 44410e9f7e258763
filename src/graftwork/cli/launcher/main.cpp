// The launcher.
#include "graftwork/cli/launcher/command_line.h"

int main(int argc, char** argv) { return graftwork::core::cli::run_command_line(argc, argv); }

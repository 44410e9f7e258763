// Standard input, output and error as the command needs them.
#pragma once

namespace graftwork::core::cli {

/// Makes all three exist, so that no file which is opened later gets the number of one that was closed and is written
/// over by messages. Output that was closed fails when it is written to, as a full disk does; so does a pipe that
/// nobody reads, and a file that grows beyond a limit. Messages of a closed standard error are lost.
void prepare_standard_streams();

}  // namespace graftwork::core::cli

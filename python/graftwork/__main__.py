"""`python -m graftwork` is the command."""

from graftwork_command import main

if __name__ == "__main__":
    main()

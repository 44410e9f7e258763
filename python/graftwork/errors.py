"""What every failure of Graftwork looks like."""


class Error(RuntimeError):
    """A failure that the user can mend. Printed, it is a report: what is wrong, where, and what to do."""

    def __init__(self, code: str, message: str, hint: str = "", context: tuple[str, ...] | list[str] = ()) -> None:
        super().__init__(code, message, hint, tuple(context))
        self.code = code
        """A stable dotted name: "pt2.in_place"."""
        self.message = message
        """What is wrong."""
        self.hint = hint
        """What to do; may be empty."""
        self.context = tuple(context)
        """Where, innermost first."""

    def __str__(self) -> str:
        # What a message quotes may come from a file: no line of it begins as one of the report's own does.
        message, hint = (text.replace("\n", "\n      ") for text in (self.message, self.hint))
        lines = [f"error[{self.code}]: {message}", *(f"  at  {place}" for place in self.context)]
        return "\n".join(lines + ([f"  try {hint}"] if hint else []))

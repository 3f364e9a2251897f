"""The HyperSpy signals: TomoStack, RecStack, TomoTilts, TomoShifts, and their lazy kin."""

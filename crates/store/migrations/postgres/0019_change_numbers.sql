-- Changes are found by the number that their forge gave them, whatever the repository.

CREATE INDEX changes_of_number ON changes (number);

"""results.json, rewritten aside and renamed, and the log. A disk that takes neither is told once and stops nothing."""

import json
import os
import sys


class Record:
    def __init__(self, folder):
        self.folder = folder
        self.file = os.path.join(folder, "results.json")
        self.complaints = []
        self.data = {}
        self._log = None
        try:
            os.makedirs(folder, exist_ok=True)
            self._log = open(os.path.join(folder, "log.txt"), "a", encoding="utf-8")
        except OSError as error:
            self._complain("log.txt", error)

    def say(self, text):
        """To the terminal and to the log."""
        print(text, flush=True)
        self.log(text)

    def log(self, text):
        if not self._log:
            return
        try:
            self._log.write(f"{text}\n")
            self._log.flush()
        except OSError as error:
            broken, self._log = self._log, None
            self._complain("log.txt", error)
            try:
                broken.close()
            except OSError:
                pass

    def save(self):
        """Returns whether results.json holds everything."""
        aside = f"{self.file}.part"
        try:
            with open(aside, "w", encoding="utf-8") as out:
                json.dump(self.data, out, indent=1)
                out.write("\n")
            os.replace(aside, self.file)
            return True
        except OSError as error:
            self._complain("results.json", error)
            return False

    def _complain(self, name, error):
        sentence = f"{name} could not be written to {self.folder} ({error.strerror}); the run goes on"
        if sentence not in self.complaints:
            self.complaints.append(sentence)
            print(sentence, file=sys.stderr, flush=True)
            self.data["complaints"] = self.complaints

"""What ./dev calls: the embedded servers, the supervisor, the test run, the checks and the lock."""

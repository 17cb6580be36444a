"""One decode step of the trunk in C++ (step.cpp), for speed; the trunk itself is its oracle. Import from the files themselves."""

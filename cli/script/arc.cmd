@echo off
rem The command `arc` on Windows: by the Python that it was installed for, else by the one that `py` finds.
setlocal
set python="%~dp0python.exe"
if not exist %python% set python="%~dp0..\python.exe"
if not exist %python% set python=py -3
%python% -P "%~dp0arc" %*

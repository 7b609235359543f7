# Runs a command in a pseudo-terminal: `python3 terminal.py COLUMNS COMMAND …`. What comes here is typed, what it prints
# is printed here; at its end, standard error has its exit code and whether the terminal echoes and edits lines again.
import fcntl, os, select, struct, sys, termios

master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(master)
    os.execvp(sys.argv[2], sys.argv[2:])

sources = [0, master]
ended = None
while True:
    ready, _, _ = select.select(sources, [], [], 0.02)
    for source in ready:
        data = os.read(source, 65536)
        if data:
            os.write(master if source == 0 else 1, data)
        else:
            sources.remove(source)  # nobody types any more
    if ended is not None and master not in ready:
        break
    if ended is None:
        gone, status = os.waitpid(pid, os.WNOHANG)
        ended = os.waitstatus_to_exitcode(status) if gone else None

modes = termios.tcgetattr(slave)[3]
print(ended, 'restored' if modes & termios.ECHO and modes & termios.ICANON else 'raw', file=sys.stderr)

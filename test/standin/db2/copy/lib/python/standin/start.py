"""python3 -I finds nothing beside the program: `start.py bp SHELL`, `start.py sysc`, `start.py ckbkp FILE …`."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
if __name__ == '__main__':
    name, *words = sys.argv[1:]
    if name == 'bp':
        import bp

        bp.main(int(words[0]))
    elif name == 'sysc':
        import sysc

        sysc.main()
    elif name == 'ckbkp':
        import ckbkp

        sys.exit(ckbkp.main(words))
    elif name == 'relocate':
        import relocate

        sys.exit(relocate.main(words))

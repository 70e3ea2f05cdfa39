/** Something that a run does in addition to simulating. */
export interface OperationKind {
  /**
   * Shell commands in the study's folder: `$r` is the run number, `$c` the config, `$n` both, `$R` the result directory,
   * which exists.
   */
  script: string;
  /** Several runs write files of the same names. */
  shared?: boolean;
  /** Such a run may fail: what it leaves cannot be transferred to the user, which a message reports. */
  mayFail?: boolean;
  /** The plain run leaves it, and the swarm only names it in a warning. Part of its name. */
  named?: string;
  /** What the run may leave only locally. */
  localOnly?: RegExp;
  /** Its output depends on what earlier runs have left, which a swarm's runs do not see. */
  alone?: boolean;
  /** Its output depends on the inputs, which the user may change between two commands. */
  reads?: boolean;
  /** It changes inputs, which a later plain run sees. */
  changes?: boolean;
}

/** Leaves a file that shows which run wrote it. */
const write = (file: string): string => `echo "run $n" > ${file}`;

/** By name; the names appear in shapes. */
export const OPERATIONS: Readonly<Record<string, OperationKind>> = {
  log: { script: write('"log-$n"') },
  data: { script: write('"$R/data-$n.csv"') },
  inputs: {
    script:
      'for f in *.input; do echo "== $f"; [ -x "$f" ] && echo executable; cat "$f"; done > "$R/inputs-$n.dat"',
    reads: true,
  },
  list: {
    // without logs: the folder of cmdenv-output-file, which Cmdenv creates when it starts, and the swarm before that;
    // without those of failed runs, which only a campaign leaves
    script:
      'find ned existing-empty store ../common sub -type d ! -name logs ! -path "*/failed*" | LC_ALL=C sort > "../list-$n.dat"',
    alone: true,
  },
  unicode: { script: write('"$R/Ünï çødé – $n 中.txt"') },
  spaces: { script: write('"$R/ a  b $n "') },
  quotes: { script: write(`"$R/it's \\"$n\\" \\$x \\\`y;&|.txt"`) },
  dashes: { script: write('"$R/-rf-$n"') },
  backslash: { script: write('"$R/a\\\\b-$n"') },
  hidden: { script: write('"$R/.hidden-$n"') },
  temporary: { script: write('"$R/data-$n.tmp"') },
  longName: { script: write(`"$R/${"x".repeat(230)}-$n"`) },
  longestName: {
    script: `name=$(printf '%255s' "-$n" | tr ' ' x); ${write('"$R/$name"')}`,
    mayFail: true,
  },
  longPath: {
    script: `d=$R/$(printf '%200s' "-$n" | tr ' ' d); d=$d/$d/$d; mkdir -p "$d"; ${write('"$d/file"')}`,
    mayFail: true,
  },
  empty: { script: ': > "$R/empty-$n"' },
  emptyFolder: { script: 'mkdir -p "$R/folder-$n"' },
  nested: { script: `mkdir -p "$R/a/b-$n/c"; ${write('"$R/a/b-$n/c/d.txt"')}` },
  executable: { script: `${write('"$R/tool-$n"')}; chmod 755 "$R/tool-$n"` },
  readOnly: { script: `${write('"$R/fixed-$n"')}; chmod 444 "$R/fixed-$n"` },
  readOnlyFolder: { script: `mkdir -p "$R/ro-$n"; ${write('"$R/ro-$n/file"')}; chmod 555 "$R/ro-$n"` },
  link: { script: `${write('"$R/target-$n"')}; ln -sf "target-$n" "$R/link-$n"` },
  linkToFolder: { script: `mkdir -p "$R/d-$n"; ${write('"$R/d-$n/file"')}; ln -sfn "d-$n" "$R/ld-$n"` },
  danglingLink: { script: 'ln -sf "nowhere-$n" "$R/dangling-$n"' },
  absoluteLink: { script: 'ln -sf /etc/hostname "$R/absolute-$n"', mayFail: true },
  linkOutside: { script: 'ln -sfn ../../../../../../../etc "$R/outside-$n"', mayFail: true },
  linkUp: { script: 'ln -sf ../omnetpp.ini "up-$n"' },
  hardLinks: { script: `${write('"$R/h1-$n"')}; ln -f "$R/h1-$n" "$R/h2-$n"` },
  hardLinkToInput: { script: 'ln -f tracked.input "$R/h3-$n"', reads: true },
  intoEmptyFolder: { script: write('"existing-empty/$n"') },
  appendShared: { script: 'echo "$n" >> all.csv', shared: true },
  appendSharedResult: { script: 'echo "$n" >> "$R/all.csv"', shared: true },
  overwriteShared: { script: write('"$R/trace.txt"'), shared: true },
  sharedLong: { script: write(`"$R/${"y".repeat(245)}.txt"`), shared: true, mayFail: true },
  sharedSame: { script: 'echo same > "$R/same.txt"' },
  changeTracked: { script: 'echo "# $n" >> tracked.input', shared: true, reads: true, changes: true },
  replaceTracked: {
    script: 'echo "# $n" > t.tmp; mv t.tmp tracked.input',
    shared: true,
    changes: true,
  },
  deleteTracked: { script: "rm -f victim.input", changes: true },
  changeIni: { script: 'echo "# $n" >> omnetpp.ini', shared: true, changes: true },
  changeUntracked: { script: 'echo "$n" >> untracked.input', shared: true, reads: true, changes: true },
  fifo: { script: 'rm -f "$R/pipe-$n"; mkfifo "$R/pipe-$n"', mayFail: true, named: "pipe-" },
  socket: {
    script: `(cd "$R"; rm -f "socket-$n"; perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0]))' "socket-$n")`,
    mayFail: true,
    named: "socket-",
  },
  clash: {
    script: `if [ "$r" = 0 ]; then ${write('"$R/clash"')}; else mkdir -p "$R/clash" 2>&- && ${write('"$R/clash/x"')}; fi`,
    shared: true,
    mayFail: true,
    alone: true,
  },
  caseClash: { script: `case $r in 0) ${write('"$R/Case"')};; *) ${write('"$R/case"')};; esac` },
  newline: { script: write('"$R/new\nline-$n"'), mayFail: true },
  notUtf8: { script: `name=$(printf 'lat\\351in-%s' "$n"); ${write('"$R/$name"')}`, mayFail: true },
  gitFolder: {
    script: `mkdir -p "$R/.git/hooks"; ${write('"$R/.git/hooks/post-$n"')}`,
    mayFail: true,
    localOnly: /(?:^|\/)\.git\//i,
  },
  gitInCapitals: {
    script: `mkdir -p "$R/sub/.GIT"; ${write('"$R/sub/.GIT/config-$n"')}`,
    mayFail: true,
    localOnly: /(?:^|\/)\.git\//i,
  },
  ownGit: {
    script: write('"../.git/hooks/post-$n"'),
    mayFail: true,
    localOnly: /(?:^|\/)\.git\//,
  },
  forgedRecord: {
    script: `mkdir -p "$R/.swarm"; ${write('"$R/.swarm/forged-$n"')}`,
    mayFail: true,
    localOnly: /(?:^|\/)\.swarm\//,
  },
  beside: { script: write('"../../beside-$n.txt"'), mayFail: true, localOnly: /(?:^|\/)beside-[^/]*\.txt$/ },
  besideInCheckout: { script: write('"../beside-$n.dat"') },
  failing: { script: `${write('"$R/left-$n"')}; exit 3` },
};

"""What can be wrong with this host: the installation, files, programs, services, accounts."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

HOST: dict[str, Entry] = {
    # --- the installation
    "config_invalid": (
        "error", "The file config.toml can't be used",
        "A key is unknown or has a value of the wrong kind. Nothing was done.",
        "Correct the key that the message names.",
    ),
    "instance_missing": (
        "error", "There is no instance",
        "The directory holds no installation.",
        "Make one with `autossl init --admin NAME`, or name the right one by --instance or AUTOSSL_INSTANCE.",
    ),
    "instance_not_writable": (
        "error", "The instance can't be written",
        "State, keys and certificates are kept there.",
        "Run as root, and check that the file system is neither full nor read-only.",
    ),
    "not_root": (
        "error", "This needs root",
        "Configuration of services can be read and changed by root only.",
        "Run it as root, or with sudo.",
    ),
    "run_unknown": (
        "error", "No such run",
        "Logs are named by the start of the run, and kept for as many days as config.toml says.",
        "See `autossl log list`.",
    ),
    "internal_error": (
        "error", "Something went wrong that nobody foresaw",
        "It is a fault of this program. The website or service was left as it was; the others went on.",
        "The log of the run has the details; please report them.",
    ),
    "check_stopped": (
        "warning", "The check was stopped",
        "What was begun is finished; the rest stays as it was.",
        "Start it again, or wait for the nightly one.",
    ),
    "check_failed": (
        "error", "The check ended early",
        "Something concerned the whole run, so that it was given up.",
        "Read the log of the run.",
    ),
    "already_serving": (
        "error", "The panel is served already",
        "One process at a time serves an installation.",
        "Stop the other one first; a second address needs no second process (`--bind` may be given several times).",
    ),
    "bind_failed": (
        "error", "The panel can't listen there",
        "The address is wrong, not one of this host, or taken by another program.",
        "Choose another with --bind, or by panel.bind in config.toml.",
    ),
    # --- the demo
    "demo_impossible": (
        "error", "The demo is not possible here",
        "It needs root, Linux namespaces, and Debian packages that can be installed. Nothing was changed.",
        "Run it as root on a Debian 12 machine or virtual machine.",
    ),
    "demo_failed": (
        "error", "The demo ended early",
        "One of its own daemons or steps did not do what it should.",
        "See what the message says; another run begins afresh.",
    ),
    # --- people
    "account_unknown": (
        "error", "No such account",
        "No source of accounts knows it.",
        "See `autossl account list`; run `autossl discover` after a new account was made.",
    ),
    "account_exists": (
        "error", "There is such an account already",
        "Names of accounts are unique, wherever they were found.",
        "Choose another name, or see `autossl account show NAME`.",
    ),
    "account_not_ours": (
        "error", "The account was not added here",
        "A web server's configuration names it, so it would be found again at once.",
        "Remove it there, or suspend it: `autossl account suspend NAME`.",
    ),
    "website_unknown": (
        "error", "No such website without an owner",
        "Only a website whose owner no source can tell is given to an account by hand.",
        "See `autossl account show unassigned`.",
    ),
    "feature_list_unknown": (
        "error", "No such feature list",
        "A package names one feature list.",
        "See `autossl features list`.",
    ),
    "package_unknown": (
        "error", "No such package",
        "An account has one package, which names its feature list.",
        "See `autossl package list`.",
    ),
    "in_use": (
        "error", "It is still in use",
        "Something else names it, so it is not removed.",
        "Change what names it first.",
    ),
    "entry_unknown": (
        "error", "No such pending entry",
        "It is over, or there never was one of that number.",
        "See `autossl queue list`.",
    ),
    "entry_busy": (
        "warning", "The entry is being worked on",
        "A check is at it right now.",
        "Wait until that ends.",
    ),
    "too_busy": (
        "warning", "Too much is asked for at the same time",
        "Only a few such questions are answered at once, so that the server stays quick.",
        "Try again in a minute.",
    ),
    "answer_missing": (
        "warning", "There was no answer",
        "The panel was restarted meanwhile, or it took longer than ten minutes.",
        "Ask again.",
    ),
    "option_invalid": (
        "error", "An option can't have this value",
        "Nothing was changed.",
        "Choose a value as the message says.",
    ),
    "name_not_ours": (
        "error", "The name belongs to no website of the account",
        "Only names of the account's own websites, and those tried below them, can be excluded.",
        "See `autossl status --user NAME`.",
    ),
    "manifest_invalid": (
        "error", "A file in sites.d can't be used",
        "Its accounts and websites stay as they were known before.",
        "Correct the key that the message names.",
    ),
    "password_weak": (
        "error", "The password is too short or too long",
        "Long ones are safe without rules about characters.",
        "Choose a longer one; a few words are easy to keep.",
    ),
    "user_unknown": (
        "error", "Nobody of that name may log in",
        "The name is not among those who may.",
        "See `autossl user list`.",
    ),
    "user_exists": (
        "error", "Somebody of that name may log in already",
        "Names of people are unique, whatever their role.",
        "Choose another name, or see `autossl user list`.",
    ),
    "last_admin": (
        "error", "The only administrator stays",
        "Without one, nobody could manage the panel any more.",
        "Make another one first: `autossl admin add NAME`.",
    ),
    "link_invalid": (
        "error", "The link holds no more",
        "A set-up link holds for a day, and for one use.",
        "Ask for a new one: `autossl admin reset-password NAME --link`.",
    ),
    "token_unknown": (
        "error", "No such token",
        "It was revoked, or never was one of yours.",
        "See `autossl token list`.",
    ),
    "login_limited": (
        "warning", "Too many attempts to log in",
        "After several wrong passwords the next attempt has to wait.",
        "Wait for a few minutes.",
    ),
    # --- files and programs
    "no_room": (
        "error", "Nothing can be written",
        "The disk is full or read-only, so that the command ended. What services present stays as it is.",
        "Make room, or mount it writable, then run the command again.",
    ),
    "store_failed": (
        "error", "The certificate could not be stored",
        "Writing below instance/tls failed. The former certificate stays in use.",
        "Check that the disk is neither full nor read-only.",
    ),
    "challenge_not_written": (
        "error", "A challenge could not be put in place",
        "Writing to instance/challenges failed, so that no name can be validated.",
        "Check that the disk is neither full nor read-only, and who owns that directory.",
    ),
    "publish_failed": (
        "error", "A configuration file could not be written",
        "Everything was put back as it stood before.",
        "Check the disk, and that nobody but root may write to the directory that the message names.",
    ),
    "configuration_put_back": (
        "warning", "A configuration that was left half-done was put back",
        "A process was killed in the middle of a change, and the service's test refused what it had left.",
        "Nothing to do: the change is made anew. If it happens again, find out what ends the program (memory, say).",
    ),
    "restore_failed": (
        "error", "Former files could not be put back",
        "A change had to be taken back and that failed. The service may have a broken configuration.",
        "Put back by hand the files that the message names; copies lie in instance/backups.",
    ),
    "unreadable": (
        "error", "A file can't be read",
        "It is missing, not a regular file, too large, or holds something else than expected.",
        "Look at the file that the message names.",
    ),
    "file_unreadable": (
        "error", "A given file can't be read",
        "It is missing, not allowed to be read, or holds something else than expected.",
        "Check the path and what the file holds.",
    ),
    "key_unreadable": (
        "error", "A key of this installation can't be read",
        "Without it, sessions can't be kept safe.",
        "Restore instance/keys from a backup, or check the owner and mode of the file.",
    ),
    "path_invalid": (
        "error", "A path can't stand in a configuration",
        "It holds signs that could be taken for a directive, so nothing was written.",
        "Give the directory or the installation a plainer name.",
    ),
    "changed_since": (
        "error", "Somebody changed a file since",
        "It is not what was written there any more, so that putting it back would undo somebody's work.",
        "Compare it with the copy in instance/backups, and put back by hand what is right.",
    ),
    "program_missing": (
        "error", "A program is missing or not safe to run",
        "The service's own program is not where it is expected, or others than root may change it.",
        "Install the package, or set its path in config.toml.",
    ),
    "program_timeout": (
        "error", "A program did not end",
        "It was stopped after its time limit.",
        "Run the command of the message by hand and see what it waits for.",
    ),
    # --- services
    "config_test_failed": (
        "error", "The service's configuration is broken",
        "Its own test fails, so a reload could take it down. Nothing was changed, or all was put back.",
        "Correct what the service's words in the message name; the next check goes on.",
    ),
    "config_broken_before": (
        "error", "The service's configuration was broken before",
        "Its own test failed before anything was changed, so nothing was touched.",
        "Correct what the service's words in the message name; the next check goes on.",
    ),
    "config_not_editable": (
        "error", "A configuration file is not changed",
        "It belongs to somebody else than root, or its text can't be told apart safely.",
        "Make the change that the message names by hand, or give the file to root.",
    ),
    "https_not_possible": (
        "error", "The website gets no https of its own",
        "An https block beside its http block would answer nothing, or change what another website serves.",
        "Correct what the message names in the web server's configuration.",
    ),
    "port_taken": (
        "error", "A port is taken by another program",
        "The service would end at its next start if it had to listen there, so nothing was changed.",
        "Give the port to the service, or name another one in config.toml.",
    ),
    "challenges_unreachable": (
        "error", "The web server can't read the challenges",
        "A directory on the way to them is closed to the web server's user, so no name could be validated.",
        "Open the directory that the message names, or keep the installation elsewhere, as in /var/lib/autossl.",
    ),
    "configured_elsewhere": (
        "error", "The host's own configuration stands in the way",
        "It presents certificates for these names in a way that ours can't stand beside, so it was left as it is.",
        "Take away the lines that the message names; the next check goes on.",
    ),
    "probe_failed": (
        "error", "The service doesn't present the new certificate",
        "A handshake after the reload showed something else, so the former state was put back.",
        "Look for another configuration of the same name and port, or a proxy in front of the service.",
    ),
    "reload_failed": (
        "error", "The service could not be reloaded",
        "It goes on with what it had before.",
        "Look into the service's own log.",
    ),
    "service_not_running": (
        "warning", "The service is not running",
        "The certificate is in place and will be used once the service is started.",
        "Start the service if it should run.",
    ),
}

// @ts-check
// Preloaded (node --import) into programs that we start with a channel: it closes when we are gone, however
// we went, and then the program and its workers end as on SIGTERM. Their own children, which inherit the
// preload, are spared.
if (process.env["WITH_PARENT"] === String(process.ppid) && process.channel) {
  process.once("disconnect", () => {
    // A negative id names the group that the program leads; Windows has no such thing.
    process.kill(process.platform === "win32" ? process.pid : -process.pid, "SIGTERM");
  });
  // Waiting for that is no reason to stay.
  process.channel.unref();
}

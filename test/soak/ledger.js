// @ts-check
// What one session must hold, by what its client was told. Each change leaves a mark of its own in the
// values, so that one that is lost, doubled, or there although it was refused, is told exactly.

/** @typedef {import("./findings.js").Findings} Findings */
/** @typedef {"pending" | "acknowledged" | "unknown" | "refused"} State */
/**
 * @typedef {{ mark: string, where: string, n: number, epoch: number, state: State, code: string, reported:
 * boolean }} Change
 */
/**
 * @typedef {{ epoch: number, lists: string[], keys: Map<string, Change> }} Snapshot what had been
 * acknowledged before a row was read
 */

/** Values with every mark of their kind; under any other key lies the mark that was set last. */
const LISTS = ["updates", "handlers"];
/**
 * The client has not been told, or that nobody knows. Anything else is a refusal, and says that nothing was
 * changed.
 */
const UNKNOWN = new Set(["gone", "SESSION_WRITE_UNCERTAIN"]);

export class Ledger {
  name;
  /** Public id, `""` before it is known. */
  id = "";
  /** What becomes of the session: nothing is asked of the row from "ending" on. @type {"live" | "ending"} */
  phase = "live";
  /** A logout is on its way, which clears the values. */
  clearing = false;
  /** Who may be logged in, by what is known. */
  users = new Set([""]);
  /** Rises with each logout. */
  epoch = 1;
  #n = 0;
  #findings;
  /** @type {Map<string, Change>} */
  #changes = new Map();
  /** The last acknowledged one under each key. @type {Map<string, Change>} */
  #keys = new Map();
  /** A login whose outcome nobody knows may still come true. @type {string | undefined} */
  #loose;
  /**
   * The last logout that was refused, and how many changes there were. @type {{ code: string, n: number } |
   * undefined}
   */
  #doubt;

  /** @param {string} name @param {Findings} findings */
  constructor(name, findings) {
    this.name = name;
    this.#findings = findings;
  }

  /**
   * A change is sent; gives its mark. @param {string} where a list, or a key that only one client sets, one
   * after the other
   */
  begin(where) {
    const n = ++this.#n;
    const mark = `${this.epoch}.${n}`;
    this.#changes.set(mark, {
      mark,
      where,
      n,
      epoch: this.epoch,
      state: "pending",
      code: "",
      reported: false,
    });
    return mark;
  }

  /** @param {string} mark @param {string} code `""`, an error, or "gone" where no answer came */
  end(mark, code) {
    const change = this.#changes.get(mark);
    if (!change) return;
    change.code = code;
    change.state = code === "" ? "acknowledged" : UNKNOWN.has(code) ? "unknown" : "refused";
    if (code === "" && !LISTS.includes(change.where)) this.#keys.set(change.where, change);
  }

  /** @param {string} user @param {string} code */
  loggedIn(user, code) {
    if (code === "") this.users = new Set([user]);
    else if (UNKNOWN.has(code)) this.#loose = user;
    if (this.#loose) this.users.add(this.#loose);
  }

  /** Has taken the user and all values, but for changes that came later. @param {number} [until] */
  loggedOut(until = this.#n) {
    this.#doubt = undefined;
    for (const [key, change] of this.#keys) if (change.n <= until) this.#keys.delete(key);
    for (const change of this.#changes.values()) if (change.n > until) change.epoch++;
    this.epoch++;
    this.users = new Set(this.#loose ? ["", this.#loose] : [""]);
  }

  /** A logout was refused, so all values must still be there. @param {string} code */
  notLoggedOut(code) {
    this.#doubt = { code, n: this.#n };
  }

  /**
   * Whether nothing is left of what was acknowledged before a logout that was refused. @param {Snapshot}
   * before @param {Record<string, unknown>} values
   */
  #clearedAllTheSame({ lists, keys }, values) {
    if (!this.#doubt) return false;
    const { code, n } = this.#doubt;
    const marks = [...lists.filter((mark) => Number(mark.split(".")[1]) <= n)];
    for (const change of keys.values()) if (change.n <= n) marks.push(change.mark);
    const there = new Set(Object.values(values).flat());
    if (marks.length === 0 || marks.some((mark) => there.has(mark))) return false;
    this.#findings.add(
      "falseSurely",
      `${this.name} ${this.id}: logout (told "${code}") has taken all values`,
    );
    return true;
  }

  /** @returns {Snapshot | undefined} nothing while it cannot be known */
  snapshot() {
    if (this.clearing || this.phase !== "live") return undefined;
    const lists = [...this.#changes].filter(
      ([, { where, state, epoch }]) =>
        LISTS.includes(where) && state === "acknowledged" && epoch === this.epoch,
    );
    return { epoch: this.epoch, lists: lists.map(([mark]) => mark), keys: new Map(this.#keys) };
  }

  /**
   * Compares values that were read after the snapshot. @param {Snapshot} before @param {Record<string,
   * unknown>} values @param {string} seen where
   */
  check(before, values, seen) {
    if (this.clearing || this.phase !== "live" || this.epoch !== before.epoch) return;
    if (this.#clearedAllTheSame(before, values)) return this.loggedOut(this.#doubt?.n);
    for (const list of LISTS) {
      const marks = /** @type {string[]} */ (values[list] ?? []);
      const once = new Set(marks);
      for (const mark of once) this.#present(mark, seen);
      if (once.size < marks.length)
        for (const mark of once)
          if (marks.indexOf(mark) !== marks.lastIndexOf(mark)) this.#report("doubled", mark, seen);
    }
    for (const mark of before.lists) {
      const { where } = /** @type {Change} */ (this.#changes.get(mark));
      if (!(/** @type {string[]} */ (values[where] ?? []).includes(mark))) this.#report("lost", mark, seen);
    }
    for (const [key, last] of before.keys) {
      const mark = /** @type {string | undefined} */ (values[key]);
      const there = mark === undefined ? undefined : this.#changes.get(mark);
      if (mark !== undefined) this.#present(mark, seen);
      // One of unknown outcome may come at any time; an older one that was acknowledged may not stand there
      // any more.
      if (!there || (there.state === "acknowledged" && there.n < last.n))
        this.#report("lost", last.mark, seen);
    }
  }

  /** @param {string} mark @param {string} seen */
  #present(mark, seen) {
    const change = this.#changes.get(mark);
    if (!change) return this.#findings.add("revived", `${this.name}: ${mark} in ${seen} is of nobody`);
    if (change.state === "refused") this.#report("falseSurely", mark, seen);
    if (change.epoch < this.epoch && change.state === "acknowledged") this.#report("revived", mark, seen);
  }

  /** @param {import("./findings.js").Kind} kind @param {string} mark @param {string} seen */
  #report(kind, mark, seen) {
    const change = /** @type {Change} */ (this.#changes.get(mark));
    if (change.reported) return;
    change.reported = true;
    this.#findings.add(
      kind,
      `${this.name} ${this.id}: ${change.where} ${mark} (told "${change.code}"), seen in ${seen}`,
    );
  }
}

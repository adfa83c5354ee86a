import type { Attributes, Counter, Histogram, Meter, Observable } from "@opentelemetry/api";
import { BOUNDARIES, METRICS, type MetricDescription, type MetricName } from "./metrics.js";

/** Makes the instruments of {@link METRICS} as they are used, and adds `common` to all that is measured. */
export class Instruments {
  readonly #meter: Meter;
  readonly #common: Attributes;
  readonly #made = new Map<string, Attributes>();

  constructor(meter: Meter, common: Attributes) {
    this.#meter = meter;
    this.#common = common;
  }

  /** Measures by the values of its attributes, in the order of the table. */
  histogram(name: MetricName): (value: number, ...values: string[]) => void {
    const instrument: Histogram = this.#meter.createHistogram(name, optionsOf(name));
    return (value, ...values) => instrument.record(value, this.#attributes(name, values));
  }

  /** Counts; all that it may count is there from the start, as 0: the first one is an increase too. */
  counter(name: MetricName): (value: number, ...values: string[]) => void {
    const instrument: Counter = this.#meter.createCounter(name, optionsOf(name));
    const { attributes = {} }: MetricDescription = METRICS[name];
    const [values] = Object.values(attributes);
    for (const value of values ?? [undefined])
      instrument.add(0, this.#attributes(name, value === undefined ? [] : [value]));
    return (value, ...values) => instrument.add(value, this.#attributes(name, values));
  }

  /** Asks `observe` for all of these whenever somebody collects; returns what ends that. */
  observe(
    names: readonly MetricName[],
    observe: (tell: (name: MetricName, value: number, ...values: string[]) => void) => void,
  ): () => void {
    const all = new Map<MetricName, Observable>(names.map((name) => [name, this.#observable(name)]));
    const callback: Parameters<Meter["addBatchObservableCallback"]>[0] = (result) =>
      observe((name, value, ...values) => {
        const observable = all.get(name);
        if (observable) result.observe(observable, value, this.#attributes(name, values));
      });
    const observables = [...all.values()];
    this.#meter.addBatchObservableCallback(callback, observables);
    return () => this.#meter.removeBatchObservableCallback(callback, observables);
  }

  #observable(name: MetricName): Observable {
    return METRICS[name].type === "gauge"
      ? this.#meter.createObservableGauge(name, optionsOf(name))
      : this.#meter.createObservableUpDownCounter(name, optionsOf(name));
  }

  /** There are few of them, and each is measured often. */
  #attributes(name: MetricName, values: readonly string[]): Attributes {
    const key = `${name} ${values.join(" ")}`;
    let made = this.#made.get(key);
    if (!made) {
      const { attributes = {} }: MetricDescription = METRICS[name];
      const own = Object.keys(attributes).map((of, index) => [of, values[index] ?? ""] as const);
      made = { ...this.#common, ...Object.fromEntries(own) };
      this.#made.set(key, made);
    }
    return made;
  }
}

function optionsOf(name: MetricName) {
  const { type, unit, description } = METRICS[name];
  const explicitBucketBoundaries = BOUNDARIES[unit];
  const advice = type === "histogram" && explicitBucketBoundaries && { advice: { explicitBucketBoundaries } };
  return { unit, description, ...advice };
}

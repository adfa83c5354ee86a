// Puts things on the page. Whatever came from elsewhere goes in as text, never as HTML.
import type { State } from "../handlers.js";

const MOST_STEPS = 20;

const connections = {
  connected: "Connected",
  offline: "Reconnecting",
  waiting: "Waiting",
  ended: "Signed off",
};

export function byId<Element extends HTMLElement>(id: string): Element {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element as Element;
}

export function setText(id: string, text: string): void {
  byId(id).textContent = text;
}

export function showConnection(state: keyof typeof connections): void {
  byId("connection").dataset["state"] = state;
  setText("connection", connections[state]);
}

/** Empty: nothing is wrong. */
export function showBanner(text: string): void {
  setText("banner", text);
  byId("banner").hidden = text === "";
}

/** Says it under the button, and adds it to the list, the newest first. */
export function say(text: string): void {
  setText("latest", text);
  const step = document.createElement("li");
  step.className = "step";
  step.textContent = text;
  const steps = byId("steps");
  steps.prepend(step);
  while (steps.childElementCount > MOST_STEPS) steps.lastElementChild?.remove();
}

export function showState({ id, userId, name, taps, note }: State): void {
  setText("session-id", id);
  setText("taps", String(taps));
  setText("greeting", userId ? `Hello, ${name}` : "Welcome");
  setText("user-id", userId);
  byId("login").hidden = userId !== "";
  byId("account").hidden = userId === "";
  const input = byId<HTMLInputElement>("note");
  // Not while somebody writes in it.
  if (input !== document.activeElement) input.value = note;
}

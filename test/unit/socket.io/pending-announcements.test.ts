import { expect, test } from "@jest/globals";
import { PendingAnnouncements } from "../../../src/socket.io/pending-announcements.js";

const id = (n: number) => n.toString(16).padStart(32, "0");

test("the last of each session is told, as much at once as fits into a message", () => {
  const news = new PendingAnnouncements();
  for (let n = 0; n < 1500; n++) news.addWrite(id(n), 1);
  news.addWrite(id(0), 2);
  news.addEnd(id(7), "destroyed");
  const first = news.take();
  expect([first.written.length, first.written[0], first.ended]).toEqual([
    1000,
    [id(0), 2],
    [[id(7), "destroyed"]],
  ]);
  expect(news.take().written.length).toBe(500);
  expect(news.hasAny).toBe(false);
});

test("what could not be told is kept, unless there is newer", () => {
  const news = new PendingAnnouncements();
  news.addWrite(id(1), 1);
  news.addWrite(id(2), 1);
  const lost = news.take();
  news.addWrite(id(1), 5);
  news.putBack(lost);
  expect(news.take().written).toEqual([
    [id(1), 5],
    [id(2), 1],
  ]);
});

test("rooms that a logout keeps are told with the write that comes after it, also where the first could not be told", () => {
  const news = new PendingAnnouncements();
  news.addWrite(id(1), 1, ["lobby"]);
  const lost = news.take();
  news.addWrite(id(1), 2);
  news.putBack(lost);
  expect(news.take().written).toEqual([[id(1), 2, ["lobby"]]]);
});

test("an outage keeps a bounded number of sessions, however many change", () => {
  const news = new PendingAnnouncements();
  for (let n = 0; n < 12_000; n++) {
    news.addWrite(id(n), n);
    news.addEnd(id(n), "expired");
  }
  news.addWrite(id(0), -1);
  let count = 0;
  for (let told = news.take(); told.written.length > 0; told = news.take()) {
    if (count === 0) expect(told.written[0]).toEqual([id(0), -1]);
    count += told.written.length;
  }
  expect(count).toBe(10_000);
});

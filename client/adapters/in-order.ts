/** Gives a function that runs one operation after the other, whether they succeed or not. */
export function inOrder() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(operation: () => Promise<T>): Promise<T> => {
    const next = last.then(operation, operation);
    last = next;
    return next;
  };
}

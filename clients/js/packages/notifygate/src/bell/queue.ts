/** Requests that change something, one after the other: two at once could reach the gateway in the other order. */

/** Calls `next` when it is done. */
type Work = (next: () => void) => void;

/** Make a queue: a function that begins some work when all before it is done. */
export function makeQueue(): (work: Work) => void {
  const queue: Work[] = [];
  function begin() {
    queue[0]!(() => {
      queue.shift();
      if (queue.length) begin();
    });
  }
  return (work) => {
    if (queue.push(work) < 2) begin();
  };
}

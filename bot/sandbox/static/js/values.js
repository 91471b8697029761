// What the inputs of a message or a view hold.

/** What the inputs of one message or view hold now, in the shape of Slack's `state.values`. */
export class Values {
  constructor(previous = {}) {
    this.previous = previous;
    this.readers = [];
  }

  /** What was there before the view was drawn again, or undefined. */
  before(block, element) {
    return this.previous[block.block_id]?.[element.action_id];
  }

  add(block, element, read) {
    this.readers.push([block.block_id, element.action_id, read]);
  }

  collect() {
    const values = {};
    for (const [block, action, read] of this.readers) {
      values[block] = { ...values[block], [action]: read() };
    }
    return values;
  }
}

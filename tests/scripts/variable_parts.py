"""Assignments to parts of variables, counts, references."""

import tensorflow as tf
import numpy as np

table = tf.Variable(tf.zeros((3, 4)), name="q_table")
table[0, 1].assign(1.0)
table[1].assign([0.5, 0.25, 0.125, 0.0])
table[:, 3].assign([7.0, 8.0, 9.0])
print(table.numpy(), table.name)
counts = tf.Variable(tf.zeros(4, dtype=tf.int32))
counts.scatter_nd_add([[0], [2], [0]], [1, 5, 1])
counts[3].assign(10)
print(counts.numpy(), (counts / 2).numpy(), (counts / 2).dtype)
print(tf.reduce_mean(counts).numpy(), tf.reduce_mean(tf.cast(counts, tf.float32)).numpy())
n_correct = tf.reduce_sum(tf.cast(tf.equal([1, 2, 3], [1, 5, 3]), tf.int32))
print("accuracy", (n_correct / 3).numpy())
with tf.GradientTape() as tape:
    q = tf.reduce_sum(table[1] * [1.0, 2.0, 3.0, 4.0])
print(tape.gradient(q, table).numpy())
seen = {table.ref(): "table", counts.ref(): "counts"}
print(seen[table.ref()], seen[counts.ref()])
for v in (table, counts):
    print(v.shape, v.dtype == tf.int32, v.trainable)
emb = tf.Variable(np.arange(8.0, dtype="float32").reshape(4, 2))
emb.scatter_update(tf.IndexedSlices(tf.constant([[9.0, 9.0]]), tf.constant([2])))
emb.scatter_sub(tf.IndexedSlices(tf.constant([[1.0, 1.0], [1.0, 1.0]]), tf.constant([0, 0])))
print(emb.numpy())

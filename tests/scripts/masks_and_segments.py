"""Masked losses, segments, partitions, cross products, mirrored borders."""

import tensorflow as tf
import numpy as np

lengths = tf.constant([2, 4, 1])
mask = tf.sequence_mask(lengths, 5, dtype=tf.float32)
x = tf.reshape(tf.range(15, dtype=tf.float32), (3, 5)) / 10.0
with tf.GradientTape() as tape:
    tape.watch(x)
    masked = tf.reduce_sum(tf.square(x) * mask, 1) / tf.reduce_sum(mask, 1)
    loss = tf.reduce_mean(masked)
print(tape.gradient(loss, x).numpy())
labels = tf.constant([0, 2, 0, 1])
feats = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
print(tf.math.unsorted_segment_mean(feats, labels, 3).numpy())
y, idx, count = tf.unique_with_counts(labels)
print(y.numpy(), idx.numpy(), count.numpy())
print(tf.math.bincount(labels).numpy())
logits = tf.constant([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])
print(tf.math.in_top_k([1, 2], logits, k=2).numpy())
print(tf.searchsorted([0.0, 0.5, 1.0], [0.1, 0.6]).numpy())
parts = tf.dynamic_partition(feats, labels, 3)
print([p.shape for p in parts])
back = tf.dynamic_stitch([[0, 2], [3], [1]], parts)
print(back.numpy())
a, b = tf.Variable([1.0, 2.0, 3.0]), tf.constant([0.5, -1.0, 2.0])
with tf.GradientTape() as tape:
    area = tf.norm(tf.linalg.cross(a, b))
print(float(area), tape.gradient(area, a).numpy())
img = tf.reshape(tf.range(6.0), (2, 3))
print(tf.pad(img, [[1, 1], [1, 1]], "REFLECT").numpy())
with tf.GradientTape() as tape:
    tape.watch(img)
    out = tf.reduce_sum(tf.pad(img, [[1, 1], [1, 1]], "REFLECT") * 2.0)
print(tape.gradient(out, img).numpy())

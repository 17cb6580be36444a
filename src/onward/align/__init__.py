"""From a base model to one that people prefer. So far: instruction tuning, distilled instructions, reward models."""

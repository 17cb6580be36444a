import json


def test_heads_are_trained_from_the_command_line_and_say_how_right_they_are(onward, model_folder, texts, tmp_path):
    small = ("--steps", 3, "--length", 64, "--batch", 256)
    ended = onward("train-heads", model_folder, texts, "-o", tmp_path / "heads", *small, "--heads", 2)
    assert ended.code == 0, ended.err
    assert "foretold in a row" in ended.err
    assert f"--draft heads:{tmp_path / 'heads'}" in ended.err
    assert json.loads((tmp_path / "heads" / "onward.json").read_text())["verb"] == "train-heads"
    again = onward("train-heads", model_folder, texts, "-o", tmp_path / "heads", *small)
    assert again.code == 2
    assert "exists already" in again.err
    ended = onward("train-heads", model_folder, texts, "-o", tmp_path / "ears", "--kind", "ears")
    assert ended.code == 2
    assert "choose heads or block" in ended.err
    assert not list(tmp_path.glob("ears*"))


def test_a_datastore_is_made_of_texts(onward, model_folder, texts, tmp_path):
    ended = onward("datastore", texts, "--tokenizer", model_folder, "-o", tmp_path / "store")
    assert ended.code == 0, ended.err
    assert json.loads((tmp_path / "store" / "index.json").read_text())["tokens"] > 1000
    assert f"--draft store:{tmp_path / 'store'}" in ended.err
    again = onward("datastore", texts, "--tokenizer", model_folder, "-o", tmp_path / "store")
    assert again.code == 2
    assert "exists already" in again.err
    ended = onward("datastore", tmp_path / "nothing", "--tokenizer", model_folder, "-o", tmp_path / "other")
    assert ended.code == 2
    assert not (tmp_path / "other").exists()

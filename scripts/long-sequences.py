"""Speed of PyTorch + PEFT on the cases of `peft4j bench` that the reference benchmark does not have; one JSON line per case.

  python long-sequences.py --case gpt2_lora_1x1024,gpt2_lora_1x4096 --checkpoints DIR [--steps 6] [--threads 2]
  python long-sequences.py --make-checkpoints DIR

  gpt2_lora_1x1024, gpt2_lora_1x4096   GPT-2 124M, LoRA r 8 alpha 16 on c_attn, one sequence; DIR/gpt2_4096 has 4096 positions
  gpt2_full_4x128_bf16                 every parameter trained, in float32 under torch.autocast("cpu", bfloat16)
  CASE_bf16                            a LoRA case with a bfloat16 base under the same; LoRA parameters stay float32

A step is forward, backward, AdamW (lr 1e-4, weight decay 0) and zero_grad, with the dropout of the config; the first one is not
counted. Attention is that of torch (sdpa). Token p has the id (p * 7919 + 13) % vocabulary. loss_eval is the loss before training
in eval mode. Each case runs in a process of its own, so that peak_rss_mb is its own.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CASES = ["gpt2_lora_1x1024", "gpt2_lora_1x4096", "gpt2_lora_1x1024_bf16", "gpt2_lora_1x4096_bf16", "gpt2_full_4x128_bf16"]
POSITIONS = 4096


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--case", default="gpt2_lora_1x1024", help="a case, or several with commas")
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--checkpoints")
    p.add_argument("--make-checkpoints", metavar="DIR")
    p.add_argument("--list", action="store_true")
    p.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return p.parse_args()


def in_own_process(case, a):
    """Threads of OpenMP are chosen when torch is loaded."""
    command = [sys.executable, os.path.abspath(__file__), "--child", "--case", case, "--steps", str(a.steps),
               "--threads", str(a.threads), "--checkpoints", a.checkpoints]
    env = dict(os.environ, OMP_NUM_THREADS=str(a.threads), HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
               TRANSFORMERS_VERBOSITY="error", PYTHONWARNINGS="ignore")
    return subprocess.run(command, env=env).returncode


def make(directory):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(n_positions=POSITIONS)).save_pretrained(os.path.join(directory, f"gpt2_{POSITIONS}"))


def peak_mib():
    with open("/proc/self/status") as f:
        return next(round(int(line.split()[1]) / 1024, 1) for line in f if line.startswith("VmHWM"))


def load(case, folder):
    """The model, and what is trained of it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    full = "_full_" in case
    dtype = torch.bfloat16 if case.endswith("_bf16") and not full else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")
    if full:
        return model
    torch.manual_seed(1)
    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["c_attn"], fan_in_fan_out=True,
                                            task_type="CAUSAL_LM"))


def measure(case, a):
    import torch
    torch.set_num_threads(a.threads)
    sequences, length = map(int, case.split("_")[2].split("x"))
    model = load(case, os.path.join(a.checkpoints, f"gpt2_{POSITIONS}" if length == POSITIONS else "gpt2"))
    ids = ((torch.arange(sequences * length) * 7919 + 13) % model.config.vocab_size).view(sequences, length)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=case.endswith("_bf16"))
    with torch.no_grad(), autocast:
        first = model.eval()(input_ids=ids, labels=ids).loss.item()
    model.train()
    seconds = []
    for _ in range(a.steps + 1):
        start = time.perf_counter()
        with autocast:
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[1:])
    print(json.dumps(dict(
        case=case, trainable=sum(p.numel() for p in trained), steps=a.steps, median_step_ms=round(1000 * median, 1),
        min_step_ms=round(1000 * min(seconds[1:]), 1), tok_s=round(sequences * length / median, 1), loss_eval=round(first, 6),
        threads=a.threads, peak_rss_mb=peak_mib(), loadavg=round(os.getloadavg()[0], 2), torch=torch.__version__)), flush=True)


def main():
    a = options()
    if a.list:
        print("\n".join(CASES))
        return 0
    if a.make_checkpoints:
        make(a.make_checkpoints)
        return 0
    cases = a.case.split(",")
    unknown = [c for c in cases if c not in CASES]
    if unknown or not a.checkpoints:
        sys.exit(f"cases {cases} of --checkpoints {a.checkpoints} were asked for; there are {', '.join(CASES)}. Give one of these, and a folder.")
    if a.child:
        measure(cases[0], a)
        return 0
    return max(in_own_process(c, a) for c in cases)


if __name__ == "__main__":
    sys.exit(main())
